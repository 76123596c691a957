import { resolveUserId } from '@sallyport/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createIdentities } from './identities.ts';
import { rawRequest } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const returnUrl = 'https://app.example.com/connected';
const identities = createIdentities();
let server: TestServer;
let key: string;

beforeAll(async () => {
  server = await startTestServer({
    authentication: identities.authentication,
    address: { origin: undefined, allowedOrigins: ['https://app.example.com'] },
    connectLinks: { product: 'Acme', returnUrls: [returnUrl, 'https://app.example.com/?from=sallyport'] },
  });
  key = await identities.apiKey('service');
});
afterAll(() => server.close());

interface Sent {
  readonly token?: string;
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

async function post(path: string, body: object, { token, cookie, headers }: Sent = {}) {
  const response = await server.request(path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(cookie !== undefined && { cookie }),
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: Object(await response.json().catch(() => ({}))) };
}

const wanted = { userId: 'ada', provider: 'fake', returnUrl };
const create = (change: object = {}) => post('/api/connect-links', { ...wanted, ...change }, { token: key });
const tokenOf = (url: string): string => new URL(url).hash.slice(1);

/** A browser that has opened a new link. */
async function open(change: object = {}) {
  const { body } = await create(change);
  const opened = await post('/api/connect-links/open', { token: tokenOf(body.url) });
  const [cookie] = opened.headers.get('set-cookie')?.split(';') ?? [];
  return { opened, cookie, token: tokenOf(body.url) };
}

/** That browser, which has logged in. */
async function logIn(change: object = {}) {
  const browser = await open(change);
  const { cookie } = browser;
  const started = await post('/api/connect-links/current/login', { provider: 'fake', method: 'paste' }, { cookie });
  const { sessionId } = started.body.login;
  const events = await server.request(`/api/auth/session/${sessionId}/events`, { headers: { cookie: cookie ?? '' } });
  const auth = JSON.stringify({ token: 'secret-token', account: 'ada@example.org', issuedAt: 1 });
  server.agentEvents.put(
    { type: 'credential.offered', offerId: 'one', sessionId, provider: 'fake', files: { auth } },
    { type: 'login.finished', sessionId },
  );
  expect(await events.text()).toContain('"type":"done"');
  return { ...browser, sessionId };
}

async function returnTo(cookie: string | undefined): Promise<URL> {
  const { body } = await post('/api/connect-links/current/return', {}, { cookie });
  return new URL(body.url);
}

const claim = (code: string | null, userId = 'ada') =>
  post('/api/connect-links/claim', { code, userId }, { token: key });
const credentialsOf = async (userId: string) =>
  (await server.request(`/api/credentials?userId=${userId}`, { headers: { authorization: `Bearer ${key}` } })).json();

describe('a connect link', () => {
  it('leads a user to a page, through a login, back, and to a connected provider', async () => {
    const { opened, cookie, sessionId } = await logIn({ state: 'a&b', userId: 'grace' });
    expect(opened.body).toMatchObject({ product: 'Acme', returnHost: 'app.example.com', login: null });
    expect(opened.body.providers.map(({ id }: { id: string }) => id)).toEqual(['fake']);
    expect(await credentialsOf('grace')).toEqual([]);
    const back = await returnTo(cookie);
    expect(back.origin + back.pathname).toBe(returnUrl);
    expect(back.searchParams.get('state')).toBe('a&b');
    expect(back.searchParams.get('status')).toBe('completed');
    const claimed = await claim(back.searchParams.get('code'), 'grace');
    expect(claimed).toMatchObject({
      status: 200,
      body: { userId: resolveUserId('grace').userId, provider: 'fake', version: 1 },
    });
    expect(await credentialsOf('grace')).toMatchObject([{ provider: 'fake', valid: true }]);
    expect(await server.sallyport.store.credentials.list(sessionId)).toEqual([]);
  });

  it('is in the fragment of its URL, and sets a cookie that no script and no other site gets', async () => {
    const { body } = await create();
    expect(body.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/connect#[A-Za-z0-9_-]{43}$/);
    const opened = await post('/api/connect-links/open', { token: tokenOf(body.url) });
    const cookie = opened.headers.get('set-cookie');
    expect(cookie).toMatch(/^sallyport-connect=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=1800$/);
    const stored = JSON.stringify(
      await server.sallyport.store.connectLinks.list({ userId: resolveUserId('ada').userId }),
    );
    for (const secret of [tokenOf(body.url), cookie?.slice(18, 61) ?? '']) expect(stored).not.toContain(secret);
  });

  it('belongs to the first browser, which may reload its page', async () => {
    const { cookie, token } = await open();
    const second = await post('/api/connect-links/open', { token });
    expect([second.status, second.body.code, second.headers.get('set-cookie')]).toEqual([
      410,
      'CONNECT_LINK_GONE',
      null,
    ]);
    expect((await post('/api/connect-links/open', {}, { cookie })).status).toBe(200);
  });

  it('tells the same of a link that is spent, foreign, unknown or claimed', async () => {
    const { cookie, token } = await logIn({ userId: 'hopper' });
    const code = (await returnTo(cookie)).searchParams.get('code');
    expect((await claim(code, 'hopper')).status).toBe(200);
    const answers = await Promise.all([
      post('/api/connect-links/open', { token }),
      post('/api/connect-links/open', { token: 'x'.repeat(43) }),
      post('/api/connect-links/open', {}),
      post('/api/connect-links/open', {}, { cookie }),
      post('/api/connect-links/current/login', { provider: 'fake' }, { cookie }),
      post('/api/connect-links/current/return', {}, { cookie }),
      claim(code, 'hopper'),
      claim('unknown', 'hopper'),
    ]);
    const { requestId: _id, ...first } = answers[0].body;
    for (const { status, body } of answers) expect([status, body]).toMatchObject([410, first]);
  });

  it('is deleted, with its login, if another user returns than the one it was made for', async () => {
    const { cookie, sessionId } = await logIn({ userId: 'mallory' });
    const code = (await returnTo(cookie)).searchParams.get('code');
    expect((await claim(code, 'victim')).status).toBe(410);
    expect((await claim(code, 'mallory')).status).toBe(410);
    expect(await server.sallyport.store.credentials.list(sessionId)).toEqual([]);
    expect(await Promise.all([credentialsOf('mallory'), credentialsOf('victim')])).toEqual([[], []]);
  });

  it('comes back without a code if the user gives up', async () => {
    const { cookie } = await open({ state: 's' });
    const back = await returnTo(cookie);
    expect(Object.fromEntries(back.searchParams)).toEqual({ state: 's', status: 'cancelled' });
  });

  it('keeps the query of an address to return to', async () => {
    const { cookie } = await open({ returnUrl: 'https://app.example.com/?from=sallyport' });
    expect((await returnTo(cookie)).href).toBe('https://app.example.com/?from=sallyport&status=cancelled');
  });

  it('does one login at a time, and lets a failed one be tried again', async () => {
    const { cookie } = await open({ userId: 'turing' });
    const start = () => post('/api/connect-links/current/login', { provider: 'fake', method: 'paste' }, { cookie });
    const both = await Promise.all([start(), start()]);
    expect(new Set(both.map(({ status }) => status))).toEqual(new Set([201, 409]));
    const { sessionId } = both.find(({ status }) => status === 201)?.body.login ?? {};
    expect((await start()).status).toBe(409);
    await post(`/api/auth/session/${sessionId}/cancel`, {}, { cookie });
    const again = await start();
    expect(again.status).toBe(201);
    await post(`/api/auth/session/${again.body.login.sessionId}/cancel`, {}, { cookie });
  });

  it('ends the login of a link that the user has left, and no login of another page', async () => {
    const login = { provider: 'fake', method: 'paste' };
    const start = (cookie: string | undefined) => post('/api/connect-links/current/login', login, { cookie });
    const [left, next] = [await open({ userId: 'noether' }), await open({ userId: 'noether' })];
    const first = await start(left.cookie);
    const second = await start(next.cookie);
    expect([first.status, second.status]).toEqual([201, 201]);
    const statusOf = async (sessionId: string) => (await server.sallyport.logins.get(sessionId)).status;
    expect(await statusOf(first.body.login.sessionId)).toBe('cancelled');
    await post(`/api/auth/session/${second.body.login.sessionId}/cancel`, {}, { cookie: next.cookie });

    const token = await identities.userToken('noether');
    const { body } = await post('/api/auth/start', login, { token });
    const refused = await start((await open({ userId: 'noether' })).cookie);
    expect([refused.status, refused.body.code]).toEqual([409, 'LOGIN_IN_PROGRESS']);
    expect(JSON.stringify(refused.body)).not.toContain(body.sessionId);
    expect(await statusOf(body.sessionId)).not.toBe('cancelled');
    await post(`/api/auth/session/${body.sessionId}/cancel`, {}, { token });
  });

  it.each([
    ['an address that is not in the list', { returnUrl: 'https://app.example.com/elsewhere' }],
    ['the same address written otherwise', { returnUrl: `${returnUrl}/` }],
    ['an unknown field', { nonsense: true }],
    ['a life of less than a minute', { expiresIn: 59 }],
    ['a life of more than a day', { expiresIn: 86_401 }],
  ])('is refused with %s', async (_what, change) => {
    expect((await create(change)).status).toBe(400);
  });

  it('is refused for an unknown provider', async () => {
    expect((await create({ provider: 'nobody' })).body.code).toBe('PROVIDER_UNKNOWN');
  });
});

describe('the browser of a connect link', () => {
  const unknown = '00000000-0000-4000-8000-000000000000';

  it('reaches its own login and no other one of the same user', async () => {
    const { cookie, sessionId } = await logIn({ userId: 'lovelace' });
    const token = await identities.userToken('lovelace');
    const other = await post('/api/auth/start', { provider: 'fake', method: 'paste' }, { token });
    const status = (id: string) => post(`/api/auth/session/${id}/cancel`, {}, { cookie });
    expect((await status(sessionId)).body.code).toBe('LOGIN_SESSION_OVER');
    const [real, random] = [await status(other.body.sessionId), await status(unknown)];
    expect([real.status, real.body.code]).toEqual([404, 'LOGIN_SESSION_UNKNOWN']);
    expect({ ...real.body, requestId: '' }).toEqual({ ...random.body, requestId: '' });
    await post(`/api/auth/session/${other.body.sessionId}/cancel`, {}, { token });
  });

  it('may prepare for its login, as its user alone', async () => {
    const { cookie } = await open();
    expect((await post('/api/auth/prepare', { provider: 'fake' }, { cookie })).status).toBe(202);
    expect((await post('/api/auth/prepare', { userId: 'lovelace' }, { cookie })).status).toBe(403);
    expect((await post('/api/auth/prepare', {})).status).toBe(401);
  });

  it('may do nothing else with its cookie', async () => {
    const { cookie } = await open();
    const headers = { cookie: cookie ?? '' };
    for (const path of ['/api/providers', '/api/credentials', '/api/vms', `/api/vm/cli/prompt/${unknown}/events`])
      expect((await server.request(path, { headers })).status, path).toBe(401);
    for (const path of ['/api/auth/start', '/api/vm/cli/prompt', '/api/user-tokens', '/api/connect-links'])
      expect((await post(path, {}, { cookie })).status, path).toBe(401);
  });

  it('is not believed to be another page of the same site', async () => {
    const { cookie } = await open();
    const headers = { origin: 'https://app.example.com' };
    expect((await post('/api/connect-links/open', {}, { cookie, headers })).status).toBe(410);
    const cancel = await post(`/api/auth/session/${unknown}/cancel`, {}, { cookie, headers });
    expect(cancel.status).toBe(401);
  });

  it('may come from a link of any page, but its page is in no frame', async () => {
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const lines = Object.entries({ host: server.host, ...visit, connection: 'close' });
    const port = Number(new URL(server.url).port);
    const page = await rawRequest(port, ['GET /connect HTTP/1.1', ...lines.map((line) => line.join(': '))]);
    expect(page.status).toBe(200);
    expect(page.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });
});

describe('a server without connect links', () => {
  it('says how to switch them on', async () => {
    const plain = await startTestServer();
    const response = await plain.post('/api/connect-links', wanted);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { hint: expect.stringContaining('connectLinks') },
    ]);
    await plain.close();
  });
});
