import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text as readAll } from 'node:stream/consumers';

import { resolveUserId, SallyportError } from '@sallyport/core';
import { problemSchema } from '@sallyport/core/protocol';
import type { Store } from '@sallyport/core/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

let server: TestServer;
/** Thrown by the store while it is set, instead of an answer. */
let failure: Error | undefined;

beforeAll(async () => {
  server = await startTestServer({ store: breakable, settings: { maxPromptBytes: 1024 * 1024 } });
});
afterAll(() => server.close());

function breakable(store: Store): Store {
  const check = (): void => {
    if (failure) throw failure;
  };
  return {
    ...store,
    ping: async () => {
      check();
      await store.ping();
    },
    sessions: {
      ...store.sessions,
      get: async (id) => {
        check();
        return store.sessions.get(id);
      },
    },
  };
}

async function problem(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const body = problemSchema.strict().parse(await response.json());
  expect(body.status).toBe(response.status);
  return body;
}

describe('a request that is not valid', () => {
  it.each([
    ['an unknown field', '/api/auth/start', { provider: 'fake', extra: 1 }, /body: .*"extra"/],
    ['a field of the wrong type', '/api/auth/start', { provider: 5 }, /body\.provider: .*string/],
    ['a missing field', '/api/auth/start', {}, /body\.provider/],
    ['an empty user id', '/api/auth/start', { provider: 'fake', userId: '' }, /body\.userId/],
    ['a long user id', '/api/auth/start', { provider: 'fake', userId: 'x'.repeat(129) }, /body\.userId/],
    [
      'a model that could be a flag',
      '/api/vm/cli/prompt',
      { provider: 'fake', prompt: 'x', model: '--x' },
      /body\.model/,
    ],
    [
      'a conversation that is a path',
      '/api/vm/cli/prompt',
      { provider: 'fake', prompt: 'x', conversationId: '../x' },
      /body\.conversationId/,
    ],
    ['an unknown tool policy', '/api/vm/cli/prompt', { provider: 'fake', prompt: 'x', tools: 'root' }, /body\.tools/],
    ['several at once', '/api/vm/cli/prompt', { provider: 1, prompt: 2 }, /body\.provider: .*; body\.prompt: /],
    ['a nested field', '/api/credentials/fake', { files: { auth: 5 } }, /body\.files\.auth/],
  ])('is told the place: %s', async (_what, path, body, place) => {
    const found = await problem(await server.post(path, body));
    expect(found).toMatchObject({ status: 400, code: 'REQUEST_INVALID', detail: expect.stringMatching(place) });
  });

  it.each([
    ['/api/providers?x=1', /querystring: .*"x"/],
    ['/api/providers?userId=a&userId=b', /querystring\.userId/],
    ['/api/auth/session/1/status', /params\.id/],
    ['/api/vm/cli/prompt/1/events', /params\.id/],
  ])('is told the place: %s', async (path, place) => {
    const found = await problem(await server.request(path));
    expect(found).toMatchObject({ status: 400, code: 'REQUEST_INVALID', detail: expect.stringMatching(place) });
  });

  it.each(['{bad', '{"provider":"fake"', '"fake"', 'null', '[]', '', '{"__proto__":{"x":1},"provider":"fake"}'])(
    'is refused: %s',
    async (body) => {
      const headers = { 'content-type': 'application/json' };
      const found = await problem(await server.request('/api/auth/start', { method: 'POST', headers, body }));
      expect(found).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    },
  );

  it.each([
    ['a key beyond reason', { provider: 'fake', ['a'.repeat(100_000)]: 1 }],
    [
      'thousands of wrong fields',
      { files: Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`f${at}`, at])) },
    ],
  ])('is told no more than fits on a page: %s', async (_what, body) => {
    const found = await problem(await server.post('/api/credentials/fake', body));
    expect(found).toMatchObject({ status: 400, code: 'REQUEST_INVALID' });
    expect(found.detail.length).toBeLessThan(40_000);
  });

  it.each(['{"token":"x"#}', '{"token":', '', '{}'])(
    'is at fault for a login file that is not whole: %j',
    async (auth) => {
      const found = await problem(await server.post('/api/credentials/fake', { userId: 'half', files: { auth } }));
      expect(found).toMatchObject({ status: 422, code: 'CREDENTIAL_MALFORMED', retryable: false });
    },
  );
});

describe('what does not exist', () => {
  const id = randomUUID();
  it.each([
    ['GET', '/nowhere', 'NOT_FOUND'],
    ['GET', '/api/auth/start', 'NOT_FOUND'],
    ['PUT', '/api/auth/start', 'NOT_FOUND'],
    ['GET', `/api/auth/session/${id}/status`, 'LOGIN_SESSION_UNKNOWN'],
    ['GET', `/api/auth/session/${id}/events`, 'LOGIN_SESSION_UNKNOWN'],
    ['POST', `/api/auth/session/${id}/cancel`, 'LOGIN_SESSION_UNKNOWN'],
    ['POST', `/api/auth/session/${id}/ticket`, 'LOGIN_SESSION_UNKNOWN'],
    ['GET', `/api/vm/cli/prompt/${id}/events`, 'PROMPT_UNKNOWN'],
    ['DELETE', `/api/vm/cli/prompt/${id}`, 'PROMPT_UNKNOWN'],
    ['POST', '/api/vms/m-aaaaaaaaaaaaaaaaaaaa/destroy', 'MACHINE_UNKNOWN'],
    ['POST', '/api/vms/m-aaaaaaaaaaaaaaaaaaaa/hibernate', 'MACHINE_UNKNOWN'],
    ['DELETE', '/api/credentials/nobody', 'PROVIDER_UNKNOWN'],
  ])('%s %s answers 404', async (method, path, code) => {
    expect(await problem(await server.request(path, { method }))).toMatchObject({ status: 404, code });
  });

  it('is a provider: the known ones are listed', async () => {
    const found = await problem(await server.post('/api/auth/start', { provider: 'nobody' }));
    expect(found).toMatchObject({ status: 404, code: 'PROVIDER_UNKNOWN', details: { known: ['fake'] } });
    expect(found.detail).toContain('fake');
  });

  it('is a way to log in: the available ones are listed', async () => {
    const found = await problem(await server.post('/api/auth/start', { provider: 'fake', method: 'magic' }));
    expect(found).toMatchObject({ status: 422, code: 'LOGIN_METHOD_UNAVAILABLE' });
    expect(found.details).toMatchObject({ available: ['browser:desktop', 'paste', 'api-key'] });
  });
});

describe('what cannot be done now', () => {
  it('a second login of the same user and provider: 409 with the id of the first', async () => {
    const first = await server.post('/api/auth/start', { provider: 'fake', userId: 'twice', method: 'paste' });
    expect(first.status).toBe(201);
    const { sessionId } = Object(await first.json());
    const found = await problem(await server.post('/api/auth/start', { provider: 'fake_cli', userId: 'twice' }));
    expect(found).toMatchObject({ status: 409, code: 'LOGIN_IN_PROGRESS', details: { sessionId } });
    expect((await server.post('/api/auth/start', { provider: 'fake', userId: 'other' })).status).toBe(201);
    expect((await server.post(`/api/auth/session/${sessionId}/cancel`, {})).status).toBe(204);
    expect(await problem(await server.post(`/api/auth/session/${sessionId}/cancel`, {}))).toMatchObject({
      code: 'LOGIN_SESSION_OVER',
      status: 409,
    });
  });

  it('a prompt without a login', async () => {
    const found = await problem(await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt: 'x' }));
    expect(found).toMatchObject({ status: 409, code: 'CREDENTIAL_NOT_CONNECTED', hint: 'Connect the provider first.' });
  });

  it('hibernation with a driver that has none: 501 with a hint', async () => {
    await server.connect('sleeper');
    server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
    await (await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt: 'x', userId: 'sleeper' })).text();
    const [machineId] = await server.machineIds('sleeper');
    for (const action of ['hibernate', 'wake']) {
      const path = `/api/vms/${machineId}/${action}?userId=sleeper`;
      const found = await problem(await server.request(path, { method: 'POST' }));
      expect(found).toMatchObject({ status: 501, code: 'MACHINE_UNSUPPORTED' });
      expect(found.hint).toMatch(/stops them when idle/);
    }
    const stranger = await server.request(`/api/vms/${machineId}/destroy?userId=other`, { method: 'POST' });
    expect(await problem(stranger)).toMatchObject({ code: 'MACHINE_UNKNOWN' });
  });
});

describe('size', () => {
  it('a prompt of 300 KiB is taken, whatever it takes to write it as JSON', async () => {
    await server.connect('writer');
    server.output.put({ type: 'exit', code: 0, signal: null, reason: 'ended' });
    const prompt = '\u0001'.repeat(300 * 1024);
    const response = await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt, userId: 'writer' });
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"prompt-end"');
    expect(server.executed.at(-1)?.prompt).toBe(prompt);
  });

  it('a prompt over the limit is told both sizes', async () => {
    const prompt = 'x'.repeat(1024 * 1024 + 1);
    const found = await problem(await server.post('/api/vm/cli/prompt', { provider: 'fake', prompt }));
    expect(found).toMatchObject({ status: 413, code: 'PROMPT_TOO_LARGE' });
    expect(found.detail).toMatch(/1048577.*1048576/);
  });

  it.each(['/api/auth/start', '/api/vm/cli/prompt'])('a body no prompt could need is refused: %s', async (path) => {
    const found = await problem(await server.post(path, { provider: 'fake', prompt: 'x'.repeat(9 * 1024 * 1024) }));
    expect(found).toMatchObject({ status: 413, code: 'REQUEST_TOO_LARGE' });
  });

  it('a body that is refused may be sent to its end, after which the connection is as good as before', async () => {
    const size = 9 * 1024 * 1024;
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    const host = `host: 127.0.0.1:${port}`;
    const type = 'content-type: application/json';
    socket.write(`POST /api/auth/start HTTP/1.1\r\n${host}\r\n${type}\r\ncontent-length: ${size}\r\n\r\n{`);
    expect(String(...(await once(socket, 'data')))).toContain('HTTP/1.1 413');
    socket.write(Buffer.alloc(size - 1, 'x'));
    socket.write(`GET /health HTTP/1.1\r\n${host}\r\nconnection: close\r\n\r\n`);
    expect(await readAll(socket)).toContain('HTTP/1.1 200');
  });
});

describe('a failure inside', () => {
  const id = randomUUID();

  it('shows neither statement, path nor stack', async () => {
    failure = Object.assign(new Error('relation "auth_sessions" at /srv/secret.ts, select * from users'), {
      query: 'select 1',
      stack: 'Error\n    at /srv/secret.ts:1:1',
    });
    const response = await server.request(`/api/auth/session/${id}/status`);
    failure = undefined;
    const text = await response.clone().text();
    expect(await problem(response)).toMatchObject({ status: 500, code: 'INTERNAL', retryable: true });
    expect(text).not.toMatch(/select|\/srv|relation|at /i);
    expect(text).toContain('request req-');
  });

  it('of the database is 503 and says when to come back', async () => {
    failure = new SallyportError('STORE_UNAVAILABLE', 'The database does not answer.', {
      cause: new Error('connect ECONNREFUSED 10.1.2.3:5432'),
    });
    const [ready, status] = [await server.request('/ready'), await server.request(`/api/auth/session/${id}/status`)];
    failure = undefined;
    for (const response of [ready, status]) {
      expect(response.headers.get('retry-after')).toBe('2');
      expect(await response.clone().text()).not.toContain('10.1.2.3');
      expect(await problem(response)).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
    }
    expect((await server.request('/ready')).status).toBe(200);
    expect((await server.request('/health')).status).toBe(200);
  });
});

describe('userId', () => {
  it('is the same user under every spelling, and nobody else', async () => {
    const { userId } = resolveUserId('ada@example.org');
    await server.connect('ada@example.org');
    const connected = async (name: string): Promise<number> =>
      Object(await (await server.request(`/api/credentials?userId=${encodeURIComponent(name)}`)).json()).length;
    expect(await connected('ada@example.org')).toBe(1);
    expect(await connected(userId)).toBe(1);
    expect(await connected(userId.toUpperCase())).toBe(1);
    expect(await connected('Ada@example.org')).toBe(0);
    expect(await connected('ünï / ?&')).toBe(0);
    const found = await problem(await server.request('/api/credentials?userId=%00'));
    expect(found).toMatchObject({ status: 400, code: 'REQUEST_INVALID', detail: expect.stringContaining('userId') });
  });

  it('shows facts about a credential and never the credential', async () => {
    await server.connect('eve');
    const text = await (await server.request('/api/credentials?userId=eve')).text();
    expect(text).toContain('ada@example.org');
    expect(text).not.toContain('secret-token');
    const removed = await server.request('/api/credentials/fake?userId=eve', { method: 'DELETE' });
    expect(removed.status).toBe(200);
    // The fake CLI does not say whether it reached its vendor.
    expect(await removed.json()).toEqual({ vendorRevoked: 'unknown' });
    expect(await (await server.request('/api/credentials?userId=eve')).json()).toEqual([]);
  });
});
