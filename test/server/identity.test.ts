import { randomUUID } from 'node:crypto';

import { resolveUserId } from '@sallyport/core';
import type { ExecuteEvent } from '@sallyport/core/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createIdentities } from './identities.ts';
import { rawRequest } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

/**
 * What each route asks of its caller. A route that is missing here, or here and not there, fails the first test: who may
 * call a new one is decided, not inherited.
 */
const accessOf: Readonly<Record<string, 'public' | 'user' | 'connect' | 'prompt' | 'machines' | 'service' | 'admin'>> =
  {
    'GET /health': 'public',
    'GET /ready': 'public',
    'GET /openapi.json': 'public',
    'GET /metrics': 'admin',
    'GET /*': 'public',
    'GET /api/auth/session/:id/novnc': 'public',
    'GET /api/providers': 'user',
    'GET /api/credentials': 'user',
    'POST /api/credentials/:provider': 'connect',
    'DELETE /api/credentials/:provider': 'connect',
    'POST /api/auth/prepare': 'connect',
    'POST /api/auth/start': 'connect',
    'GET /api/auth/sessions': 'user',
    'GET /api/auth/session/:id/status': 'user',
    'GET /api/auth/session/:id/events': 'user',
    'POST /api/auth/session/:id/answer': 'connect',
    'POST /api/auth/session/:id/cancel': 'connect',
    'POST /api/auth/session/:id/ticket': 'connect',
    'POST /api/vm/cli/prompt': 'prompt',
    'POST /api/vm/cli/prepare': 'prompt',
    'GET /api/vm/cli/prompt/:id/events': 'prompt',
    'DELETE /api/vm/cli/prompt/:id': 'prompt',
    'GET /api/vm/cli/prompts': 'prompt',
    'GET /api/vm/cli/conversations': 'prompt',
    'GET /api/vms': 'user',
    'GET /api/vms/:id': 'user',
    'GET /api/vms/load': 'service',
    'GET /api/vms/:id/files': 'prompt',
    'GET /api/vms/:id/files/content': 'prompt',
    'GET /api/audit': 'admin',
    'POST /api/vms/:id/hibernate': 'machines',
    'POST /api/vms/:id/wake': 'machines',
    'POST /api/vms/:id/destroy': 'machines',
    'POST /api/connect-links': 'service',
    'POST /api/connect-links/claim': 'service',
    // Known by a cookie, which none of these callers has.
    'POST /api/connect-links/open': 'public',
    'POST /api/connect-links/current/login': 'public',
    'POST /api/connect-links/current/return': 'public',
    'GET /connect': 'public',
    'POST /api/user-tokens': 'service',
    'DELETE /api/users/:userId': 'service',
  };
/** Those that list what a user has. */
const listing = [
  'GET /api/vms',
  'GET /api/providers',
  'GET /api/credentials',
  'GET /api/auth/sessions',
  'GET /api/vm/cli/prompts',
  'GET /api/vm/cli/conversations',
];
const scopes = ['connect', 'prompt', 'machines'] as const;

const page = 'https://app.example.com';
const identities = createIdentities();
const ended: ExecuteEvent = { type: 'exit', code: 0, signal: null, reason: 'ended' };

let server: TestServer;
/** Bearer tokens. */
let tokens: Readonly<
  Record<'ada' | 'bob' | 'dora' | 'service' | 'admin' | 'revoked' | 'expired' | 'erased' | 'ofPage', string>
>;
/** What belongs to Ada. */
let ada: Readonly<Record<'session' | 'prompt' | 'machine', string>>;

beforeAll(async () => {
  server = await startTestServer({
    authentication: identities.authentication,
    // Each route is asked with many credentials that are refused.
    failuresPerMinute: Infinity,
    address: { origin: undefined, allowedOrigins: [page] },
  });
  const revoked = await identities.apiKey('service');
  await server.sallyport.store.apiKeys.revoke(revoked.split('_')[2] ?? '');
  tokens = {
    ada: await identities.userToken('ada'),
    bob: await identities.userToken('bob'),
    // Owns nothing, so that she may try everything.
    dora: await identities.userToken('dora'),
    service: await identities.apiKey('service'),
    admin: await identities.apiKey('admin'),
    revoked,
    // Of a user who is erased below, without ever having been seen.
    erased: await identities.userToken('erin'),
    expired: await identities.userToken('dora', { expiresInSeconds: -1 }),
    ofPage: await identities.userToken('ada', { origin: page }),
  };
  ada = await giveBelongings('ada');
  await ask('DELETE /api/users/:userId', { token: tokens.service, id: 'erin' });
});
afterAll(() => server.close());

/** A login that has ended, a prompt that has ended, and the machine it ran on. */
async function giveBelongings(userId: string) {
  await server.connect(userId);
  server.output.put(ended);
  const prompt = await ask('POST /api/vm/cli/prompt', {
    token: tokens.service,
    body: { userId, provider: 'fake', prompt: 'x' },
  });
  await prompt.text();
  const started = await ask('POST /api/auth/start', { token: tokens.service, body: { userId, provider: 'fake' } });
  const session = String(Object(await started.json()).sessionId);
  await ask('POST /api/auth/session/:id/cancel', { token: tokens.service, id: session });
  const machines = await server.sallyport.store.machines.list({ userId: resolveUserId(userId).userId });
  return {
    session,
    prompt: prompt.headers.get('location')?.split('/').at(-1) ?? '',
    machine: machines.find(({ role }) => role === 'cli')?.machineId ?? '',
  };
}

interface Asked {
  readonly token?: string | undefined;
  readonly id?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
}

function ask(route: string, { token, id = randomUUID(), body = {}, headers, query = '' }: Asked): Promise<Response> {
  const [method = '', path = ''] = route.split(' ');
  const hasBody = method === 'POST';
  return server.request(
    path
      .replace(/:id|:userId/, id)
      .replace(':provider', 'fake')
      .replace('*', 'page.js') + query,
    {
      method,
      headers: {
        ...(hasBody && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(hasBody && { body: JSON.stringify(body) }),
    },
  );
}

async function statusOf(route: string, asked: Asked): Promise<number> {
  const response = await ask(route, asked);
  await response.text();
  return response.status;
}

/** Invalid in a way that is found after the caller: nothing is created by asking. */
const harmless = { body: { nonsense: true } };
const knownRoutes = Object.entries(accessOf);
const guarded = knownRoutes.filter(([, access]) => access !== 'public');

describe('every route', () => {
  it('says who may call it', () => {
    // Where there is a route for preflights too, the router's listing leaves out the one of the files.
    expect(server.app.hasRoute({ method: 'GET', url: '/*' })).toBe(true);
    const served = ['GET /*', ...server.routes.filter((route) => !/^(HEAD|OPTIONS) /.test(route))];
    expect(served.toSorted()).toEqual(Object.keys(accessOf).toSorted());
  });

  it.each(knownRoutes)('%s asks for: %s', async (route, access) => {
    const isOpen = access === 'public';
    const refusedWith = (expected: 401 | 403) => (isOpen ? expect.not.toBeOneOf([401, 403]) : expected);
    for (const token of [undefined, tokens.expired, tokens.revoked, tokens.erased, 'nonsense', `${tokens.dora}x`])
      expect(await statusOf(route, { token, ...harmless })).toEqual(refusedWith(401));
    const mayUser = !['service', 'admin'].includes(access);
    expect([401, 403].includes(await statusOf(route, { token: tokens.dora, ...harmless }))).toBe(!mayUser);
    expect([401, 403].includes(await statusOf(route, { token: tokens.service, ...harmless }))).toBe(access === 'admin');
    expect([401, 403].includes(await statusOf(route, { token: tokens.admin, ...harmless }))).toBe(false);
  });

  it.each(guarded)('%s is refused to a page that the token was not made for', async (route) => {
    const other = { headers: { origin: 'http://evil.example' } };
    const allowed = { headers: { origin: page } };
    for (const token of Object.values(tokens)) {
      expect(await statusOf(route, { token, ...harmless, ...other })).toBe(403);
    }
    expect(await statusOf(route, { token: tokens.ofPage, ...harmless })).toBe(403);
    for (const token of [tokens.dora, tokens.service, tokens.admin])
      expect(await statusOf(route, { token, ...harmless, ...allowed })).toBe(403);
  });

  it.each(guarded.filter(([, access]) => scopes.some((scope) => scope === access)))(
    '%s wants the scope %s',
    async (route, access) => {
      for (const scope of scopes) {
        const token = await identities.userToken('dora', { scopes: [scope] });
        const status = await statusOf(route, { token, ...harmless });
        expect([401, 403].includes(status), scope).toBe(scope !== access);
      }
    },
  );

  it('says in the answer what kind of proof it wants (RFC 6750 §3)', async () => {
    const response = await ask('GET /api/vms', {});
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({ code: 'ACCESS_UNAUTHENTICATED' });
  });
});

describe('what belongs to another user', () => {
  const byId: readonly {
    readonly route: string;
    readonly kind: 'session' | 'prompt' | 'machine';
    readonly body?: object;
    readonly query?: string;
  }[] = [
    { route: 'GET /api/auth/session/:id/status', kind: 'session' },
    { route: 'GET /api/auth/session/:id/events', kind: 'session' },
    { route: 'POST /api/auth/session/:id/answer', kind: 'session', body: { promptId: 'p', value: 'v' } },
    { route: 'POST /api/auth/session/:id/cancel', kind: 'session' },
    { route: 'POST /api/auth/session/:id/ticket', kind: 'session' },
    { route: 'GET /api/vm/cli/prompt/:id/events', kind: 'prompt' },
    { route: 'DELETE /api/vm/cli/prompt/:id', kind: 'prompt' },
    { route: 'GET /api/vms/:id', kind: 'machine' },
    { route: 'GET /api/vms/:id/files', kind: 'machine' },
    { route: 'GET /api/vms/:id/files/content', kind: 'machine', query: '?path=a' },
    { route: 'POST /api/vms/:id/hibernate', kind: 'machine' },
    { route: 'POST /api/vms/:id/wake', kind: 'machine' },
    { route: 'POST /api/vms/:id/destroy', kind: 'machine' },
    { route: 'DELETE /api/users/:userId', kind: 'machine' },
  ];

  it('is tried on each route with an id', () => {
    const withId = Object.keys(accessOf).filter((route) => /:id|:userId/.test(route) && !route.endsWith('/novnc'));
    expect(byId.map(({ route }) => route).toSorted()).toEqual(withId.toSorted());
  });

  it.each(byId)('does not exist for them: $route', async ({ route, kind, body = {}, query = '' }) => {
    const before = await adasRows();
    const own = route.includes('/users/') ? 'ada' : ada[kind];
    const none = kind === 'machine' ? own.replace(/[0-9a-z]{4}$/, 'zzzz') : randomUUID();
    const [real, random] = [await anonymous(route, own, body, query), await anonymous(route, none, body, query)];
    expect(real).toEqual(random);
    expect(real.status).toBe(route.includes('/users/') ? 403 : 404);
    expect(await adasRows()).toEqual(before);
  });

  /** The answer to Bob, without the id that was asked for and that of the request. */
  async function anonymous(route: string, id: string, body: object, query: string) {
    const response = await ask(route, { token: tokens.bob, id, body, query });
    const text = (await response.text()).replaceAll(id, 'ID').replace(/"requestId":"[^"]*"/, '"requestId":""');
    const headers = [...response.headers].filter(([name]) => name !== 'date' && name !== 'content-length');
    return { status: response.status, headers, text };
  }

  async function adasRows(): Promise<unknown> {
    const { store } = server.sallyport;
    const { userId } = resolveUserId('ada');
    return {
      user: await store.users.get(userId),
      session: await store.sessions.get(ada.session),
      events: await store.sessions.events(ada.session, 0),
      prompt: await store.prompts.get(ada.prompt),
      output: await store.prompts.events(ada.prompt, 0, 500),
      machines: await store.machines.list({ userId }),
      credentials: await store.credentials.list(userId),
    };
  }

  it('is not reached by a viewer either', async () => {
    const lines = (session: string): readonly string[] => [
      `GET /api/auth/session/${session}/novnc/websock HTTP/1.1`,
      `Host: ${server.host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Origin: ${server.url}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol: binary, sallyport.ticket.AAAA',
    ];
    const port = Number(new URL(server.url).port);
    const [real, random] = [await rawRequest(port, lines(ada.session)), await rawRequest(port, lines(randomUUID()))];
    expect(real.status).toBe(401);
    expect(real.body).toBe(random.body);
  });

  it.each([
    'POST /api/auth/prepare',
    'POST /api/auth/start',
    'POST /api/vm/cli/prompt',
    'POST /api/vm/cli/prepare',
    'POST /api/credentials/:provider',
  ])('is not reached by their userId in the body: %s', async (route) => {
    const body = {
      userId: 'ada',
      ...(route.includes('credentials') ? { files: {} } : { provider: 'fake', prompt: 'x' }),
    };
    const { prompt: _prompt, ...login } = Object(body);
    const sent = /start|prepare/.test(route) ? login : body;
    const before = await adasRows();
    const [real, random] = [
      await ask(route, { token: tokens.bob, body: sent }),
      await ask(route, { token: tokens.bob, body: { ...sent, userId: randomUUID() } }),
    ];
    expect([real.status, Object(await real.json()).detail]).toEqual([403, Object(await random.json()).detail]);
    expect(await adasRows()).toEqual(before);
  });

  it.each([...listing, 'DELETE /api/credentials/:provider'])(
    'is not reached by their userId in the query: %s',
    async (route) => {
      const before = await adasRows();
      expect(await statusOf(route, { token: tokens.bob, query: '?userId=ada' })).toBe(403);
      expect(await adasRows()).toEqual(before);
    },
  );
});

describe('a user token', () => {
  it('shows its user what is theirs, named or not', async () => {
    for (const query of ['', '?userId=ada', `?userId=${resolveUserId('ada').userId}`]) {
      const machines = await (await ask('GET /api/vms', { token: tokens.ada, query })).json();
      expect(Object(machines).map(({ vmId }: { vmId: string }) => vmId)).toContain(ada.machine);
    }
    expect(await (await ask('GET /api/vms', { token: tokens.bob })).json()).toEqual([]);
    const machine = await ask('GET /api/vms/:id', { token: tokens.ada, id: ada.machine });
    expect(await machine.json()).toMatchObject({ vmId: ada.machine, type: 'cli', status: 'running' });
    expect(await statusOf('GET /api/auth/session/:id/status', { token: tokens.ada, id: ada.session })).toBe(200);
    expect(await statusOf('GET /api/vm/cli/prompt/:id/events', { token: tokens.ada, id: ada.prompt })).toBe(200);
  });

  it('works on the page that it was made for, which learns what it needs of the answer', async () => {
    const headers = { origin: page, 'sec-fetch-site': 'cross-site' };
    const response = await ask('GET /api/vms', { token: tokens.ofPage, headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(page);
    const refused = await ask('GET /api/vms', { headers });
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([401, page]);
    const preflight = await server.request('/api/vms', {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  });

  it('of another deployment, or with another signature, is refused', async () => {
    const { createTokenKeys } = await import('./identities.ts');
    for (const id of ['test', 'other']) {
      const token = await identities.userToken('ada', { keys: createTokenKeys(id) });
      expect(await statusOf('GET /api/vms', { token })).toBe(401);
    }
    const [header, claims] = tokens.ada.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'sallyport-user+jwt', kid: 'test' })).toString(
      'base64url',
    );
    for (const token of [`${none}.${claims}.`, `${none}.${claims}.x`, `${header}.${claims}.`])
      expect(await statusOf('GET /api/vms', { token })).toBe(401);
  });
});

describe('POST /api/user-tokens', () => {
  const wanted = { userId: 'carol', scopes: ['prompt'], expiresIn: 60 };
  const make = (body: object) => ask('POST /api/user-tokens', { token: tokens.service, body });

  it('makes a token of that user, with those scopes, for that long', async () => {
    const response = await make({ ...wanted, origin: page });
    expect(response.status).toBe(201);
    const { token, userId, expiresAt } = Object(await response.json());
    expect(userId).toBe(resolveUserId('carol').userId);
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ sub: userId, scope: 'prompt', origin: page, external_id: 'carol' });
    expect([claims.exp - claims.iat, new Date(expiresAt).getTime()]).toEqual([60, claims.exp * 1000]);
    expect(await statusOf('GET /api/vms', { token, headers: { origin: page } })).toBe(200);
  });

  it('names users by any UUID, also by one of no known version', async () => {
    const userId = '11111111-1111-0111-1111-111111111111';
    const made = await make({ ...wanted, userId });
    expect(made.status).toBe(201);
    const { token, ...rest } = Object(await made.json());
    expect(rest.userId).toBe(userId);
    expect(await statusOf('GET /api/vms', { token })).toBe(200);
  });

  it.each([
    ['without a user', { userId: undefined }],
    ['for less than a minute', { expiresIn: 59 }],
    ['for more than an hour', { expiresIn: 3601 }],
    ['with an unknown scope', { scopes: ['everything'] }],
    ['for a page that may not call the server', { origin: 'https://other.example.com' }],
    ['for what is not an origin', { origin: `${page}/path` }],
    ['for a page without TLS', { origin: 'http://app.example.com' }],
  ])('is refused %s', async (_what, change) => {
    expect((await make({ ...wanted, ...change })).status).toBe(400);
  });
});

describe('an API key', () => {
  it('has to name the user', async () => {
    for (const route of listing) expect(await statusOf(route, { token: tokens.service })).toBe(400);
    const machines = await (await ask('GET /api/vms', { token: tokens.service, query: '?userId=ada' })).json();
    expect(Object(machines).map(({ vmId }: { vmId: string }) => vmId)).toContain(ada.machine);
  });

  it('is not in the store, and no part of it that is secret in the log', async () => {
    const [key] = (await server.sallyport.store.apiKeys.list()).filter(({ role }) => role === 'admin');
    expect(JSON.stringify(key)).not.toContain(secretOf(tokens.admin));
    expect(key?.lastUsedAt).toBeInstanceOf(Date);
  });

  it('with another secret, or with the id of another, is refused', async () => {
    const [, , id = ''] = tokens.service.split('_');
    const adminId = tokens.admin.split('_')[2] ?? '';
    for (const token of [
      tokens.service.slice(0, -1) + (tokens.service.endsWith('A') ? 'B' : 'A'),
      tokens.service.replace(id, adminId),
      tokens.service.replace(secretOf(tokens.service), ''),
      `${tokens.service}AAAA`,
    ])
      expect(await statusOf('GET /api/vms/load', { token })).toBe(401);
  });
});

/** Its characters include the one that separates the parts of a key. */
function secretOf(key: string): string {
  return key.slice(-43);
}
