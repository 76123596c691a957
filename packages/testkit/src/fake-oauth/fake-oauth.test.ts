import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createEgressClient } from '../fake-internet/egress-client.ts';
import { createFakeInternet, type FakeInternet } from '../fake-internet/fake-internet.ts';
import { createFakeOauth, type FakeOauth } from './fake-oauth.ts';
import { signInAsUser } from './person.ts';
import type { OauthTableInput } from './table.ts';

const table: OauthTableInput = {
  product: 'Example',
  clients: [
    { id: 'cli', redirectUris: ['http://127.0.0.1/callback'], scopes: ['chat', 'profile'] },
    { id: 'sealed', secret: 'sesame', scopes: ['chat'] },
  ],
  authorize: { host: 'auth.example.com', path: '/oauth/authorize' },
  device: {
    host: 'auth.example.com',
    path: '/device/code',
    page: { host: 'auth.example.com', path: '/device' },
    completeUri: true,
  },
  token: { host: 'auth.example.com', path: '/oauth/token' },
  revoke: { host: 'auth.example.com', path: '/oauth/revoke' },
  tokens: { prefix: 'ex_' },
  routes: [
    { host: 'api.example.com', method: 'GET', path: '/status', access: 'public', answer: { kind: 'json', body: 'up' } },
    { host: 'api.example.com', method: 'POST', path: '/v1/chat', answer: { kind: 'chat-completions' } },
  ],
};

let folder: string;
let internet: FakeInternet;
let vendor: FakeOauth;
let browse: ReturnType<typeof createEgressClient>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fo-'));
  vendor = createFakeOauth(table, { wordDelayMs: 0 });
  internet = await createFakeInternet({ directory: folder, sites: vendor.sites });
  const user = { userId: 'u' };
  const plan = { machineId: 'm', ...user, purpose: 'sign-in', hosts: ['*.example.com'], identity: user } as const;
  browse = createEgressClient(await internet.open(plan, { signal: AbortSignal.timeout(60_000) }));
});

afterEach(async () => {
  await internet.close();
  await rm(folder, { recursive: true, force: true });
});

const post = async (path: string, fields: Readonly<Record<string, string>>, host = 'auth') => {
  const answer = await browse(`https://${host}.example.com${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });
  const body: Record<string, string> = JSON.parse(answer.body);
  return { status: answer.status, body };
};

const verifier = randomBytes(48).toString('base64url');
const link = (change: Readonly<Record<string, string>> = {}): string =>
  `https://auth.example.com/oauth/authorize?${new URLSearchParams({
    client_id: 'cli',
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1:40123/callback',
    scope: 'chat',
    state: 'a-state-that-is-long-enough',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  }).toString()}`;

async function redeem(change: Readonly<Record<string, string>> = {}): ReturnType<typeof post> {
  const target = new URL((await signInAsUser(vendor, browse, { url: link() })) ?? '');
  expect(target.searchParams.get('state')).toBe('a-state-that-is-long-enough');
  const code = target.searchParams.get('code') ?? '';
  return post('/oauth/token', {
    grant_type: 'authorization_code',
    client_id: 'cli',
    redirect_uri: 'http://127.0.0.1:40123/callback',
    code,
    code_verifier: verifier,
    ...change,
  });
}

describe('a vendor made from a table', () => {
  it('gives tokens for a code, and an answer for a token', async () => {
    const { status, body } = await redeem();
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'bearer', expires_in: 3600, scope: 'chat' });
    const ask = (token: string, stream: boolean) =>
      browse('https://api.example.com/v1/chat', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'm', stream, messages: [{ role: 'user', content: 'hello' }] }),
      });
    expect((await ask(body['access_token'] ?? '', false)).body).toContain('You said: hello');
    expect((await ask(body['access_token'] ?? '', true)).body).toMatch(/data: \[DONE\]\n\n$/);
    expect((await ask('ex_other', false)).status).toBe(401);
    expect((await browse('https://api.example.com/status')).body).toBe('"up"');
  });

  it('refuses a code with another verifier or redirect, and a second use ends the login', async () => {
    expect(await redeem({ code_verifier: 'x'.repeat(43) })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await redeem({ redirect_uri: 'http://127.0.0.1:1/callback' })).toMatchObject({ status: 400 });
  });

  it('shows what is wrong with a link, and sends nobody anywhere', async () => {
    const wrong = [
      { client_id: 'other' },
      { redirect_uri: 'https://evil.test/callback' },
      { scope: 'admin' },
      { code_challenge: '' },
      { response_type: 'token' },
    ];
    for (const change of wrong) expect((await browse(link(change))).status, JSON.stringify(change)).toBe(400);
  });

  it('rotates refresh tokens, and ends the login when a used one comes again', async () => {
    const { body } = await redeem();
    const refresh = (token = '') =>
      post('/oauth/token', { grant_type: 'refresh_token', client_id: 'cli', refresh_token: token });
    const next = await refresh(body['refresh_token']);
    expect(next.status).toBe(200);
    expect(await refresh(body['refresh_token'])).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await refresh(next.body['refresh_token'])).toMatchObject({ status: 400 });
    expect(vendor.state().families).toMatchObject([{ revokedBecause: 'refresh_token_reused' }]);
  });

  it('connects a device when the user types its code', async () => {
    const { body } = await post('/device/code', { client_id: 'cli', scope: 'chat' });
    const { device_code: code = '', user_code: userCode, verification_uri: url = '' } = body;
    await signInAsUser(vendor, browse, { url, userCode });
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    const poll = () => post('/oauth/token', { grant_type: grant, client_id: 'cli', device_code: code });
    expect(await poll()).toMatchObject({ status: 200, body: { scope: 'chat' } });
    await expect(signInAsUser(vendor, browse, { url, userCode: 'BBBB-BBBB' })).rejects.toThrow('not known');
  });

  it('insists on the secret of a client that has one, and on the kind of body', async () => {
    const grant = { grant_type: 'refresh_token', client_id: 'sealed', refresh_token: 'x' };
    expect(await post('/oauth/token', grant)).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
    expect(await post('/oauth/token', { ...grant, client_secret: 'sesame' })).toMatchObject({
      body: { error: 'invalid_grant' },
    });
    const json = { 'content-type': 'application/json' };
    const answer = await browse('https://auth.example.com/oauth/token', { method: 'POST', headers: json, body: '{}' });
    expect(answer.body).toContain('must be a form');
  });

  it('says what is missing', async () => {
    const missing = await post('/oauth/token', { client_id: 'cli', code: 'x' });
    expect(missing).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    expect((await browse(link({ response_type: '' }))).body).toContain('response_type is missing');
  });

  it('refuses the secret of a client that has none', async () => {
    const grant = { grant_type: 'refresh_token', client_id: 'cli', refresh_token: 'x' };
    const refused = { status: 401, body: { error: 'invalid_client' } };
    expect(await post('/oauth/token', { ...grant, client_secret: 'sesame' })).toMatchObject(refused);
    expect(await post('/device/code', { client_id: 'cli', client_secret: 'sesame' })).toMatchObject({ status: 400 });
    expect(await post('/oauth/token', { ...grant, client_secret: '' })).toMatchObject({ status: 400 });
  });

  it('gives a link with the code of a device in it', async () => {
    const { body } = await post('/device/code', { client_id: 'cli' });
    const { user_code: code = '', verification_uri: uri = '', verification_uri_complete: url = '' } = body;
    expect(url).toBe(`${uri}?user_code=${code}`);
    await signInAsUser(vendor, browse, { url });
    expect(vendor.state().devices).toMatchObject([{ userCode: code, outcome: 'approved' }]);
  });

  it.each(['bearer', 'BEARER', 'Bearer'])('knows the scheme %s', async (scheme) => {
    const { body } = await redeem();
    const answer = await browse('https://api.example.com/v1/chat', {
      method: 'POST',
      headers: { authorization: `${scheme} ${body['access_token']}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(400);
  });

  it('may have keys only', async () => {
    const place = { method: 'GET', access: 'key', answer: { kind: 'json', body: 'ok' } } as const;
    const keys = createFakeOauth({
      product: 'Example',
      tokens: { prefix: 'ex-' },
      routes: [
        { host: 'api.example.com', path: '/bearer', ...place },
        { host: 'api.example.com', path: '/header', keyHeader: 'x-api-key', ...place },
      ],
    });
    const { apiKey } = keys.state();
    const net = await createFakeInternet({ directory: join(folder, 'keys'), sites: keys.sites });
    const user = { userId: 'u' };
    const plan = { machineId: 'm', ...user, purpose: 'work', hosts: ['api.example.com'], identity: user } as const;
    const call = createEgressClient(await net.open(plan, { signal: AbortSignal.timeout(60_000) }));
    const status = async (path: string, headers: Readonly<Record<string, string>>): Promise<number> =>
      (await call(`https://api.example.com${path}`, { headers })).status;
    try {
      expect(await status('/bearer', { authorization: `Bearer ${apiKey}` })).toBe(200);
      expect(await status('/header', { 'x-api-key': apiKey })).toBe(200);
      expect(await status('/header', { authorization: `Bearer ${apiKey}` })).toBe(401);
      expect(await status('/bearer', { authorization: 'Bearer other' })).toBe(401);
    } finally {
      await net.close();
    }
  });

  it('says what is wrong with a table', () => {
    const { authorize: _, device: __, ...neither } = table;
    expect(() => createFakeOauth(neither)).toThrow('nobody can log in');
    const { token: ___, ...tokenless } = table;
    expect(() => createFakeOauth(tokenless)).toThrow('no token endpoint');
    expect(() => createFakeOauth({ ...table, revoke: { host: 'auth.example.com', path: '/oauth/token' } })).toThrow(
      'is given twice',
    );
    expect(() => createFakeOauth({ ...table, clients: [] })).toThrow('clients');
  });
});
