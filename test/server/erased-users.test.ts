import { resolveUserId } from '@sallyport/core';
import { afterEach, describe, expect, it } from 'vitest';

import { createIdentities } from './identities.ts';
import { rawRequest } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const closing: TestServer[] = [];
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close();
});

async function setUp() {
  const identities = createIdentities();
  const server = await startTestServer({ authentication: identities.authentication });
  closing.push(server);
  const service = await identities.apiKey('service');
  const ask = (token: string, path: string, method = 'GET'): Promise<Response> =>
    server.request(path, { method, headers: { authorization: `Bearer ${token}` } });
  const post = (token: string, path: string, body: unknown): Promise<Response> =>
    server.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  const makeToken = async (userId: string): Promise<string> => {
    const made = await post(service, '/api/user-tokens', { userId, scopes: ['connect', 'prompt'] });
    return String(Object(await made.json()).token);
  };
  const erase = async (userId: string): Promise<number> =>
    (await ask(service, `/api/users/${userId}`, 'DELETE')).status;
  return { server, ask, post, makeToken, erase };
}

describe('a user token', () => {
  it('is refused once its user is erased, and one that is made afterwards is not', async () => {
    const { ask, makeToken, erase } = await setUp();
    const [before, other] = [await makeToken('ada'), await makeToken('bob')];
    expect((await ask(before, '/api/vms')).status).toBe(200);
    expect(await erase('ada')).toBe(204);
    // In the same second as the erasure, most likely.
    const after = await makeToken('ada');
    const refused = await ask(before, '/api/vms');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await refused.json()).toMatchObject({ code: 'ACCESS_TOKEN_REVOKED' });
    expect((await ask(after, '/api/vms')).status).toBe(200);
    expect((await ask(other, '/api/vms')).status).toBe(200);
    await erase('ada');
    for (const token of [before, after]) expect((await ask(token, '/api/vms')).status).toBe(401);
  });

  it('opens no event stream and no viewer after the erasure, and a stream that is open ends', async () => {
    const { server, ask, post, makeToken, erase } = await setUp();
    await server.connect('ada');
    const token = await makeToken('ada');
    const started = await post(token, '/api/auth/start', { provider: 'fake' });
    const { sessionId } = Object(await started.json());
    const session = `/api/auth/session/${sessionId}`;
    const stream = await ask(token, `${session}/events`);
    const { ticket } = Object(await (await post(token, `${session}/ticket`, {})).json());
    expect(ticket).toEqual(expect.any(String));
    expect(await erase('ada')).toBe(204);
    // Ends; a stream that went on would hang this test.
    await stream.text();
    expect((await ask(token, `${session}/events`)).status).toBe(401);
    const viewer = await rawRequest(Number(new URL(server.url).port), [
      `GET ${session}/novnc/websock HTTP/1.1`,
      `Host: ${server.host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      `Origin: ${server.url}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `Sec-WebSocket-Protocol: binary, sallyport.ticket.${ticket}`,
    ]);
    expect(viewer.status).toBe(404);
  });
});

describe('erasing a user who is not stored', () => {
  it('is not told to the audit log, and takes away their connect links', async () => {
    const { server, erase } = await setUp();
    const { userId, externalId } = resolveUserId('ada');
    const { store } = server.sallyport;
    await store.connectLinks.create({
      linkId: 'a81bc81b-dead-4e5d-abff-90865d1e13b1',
      userId,
      externalId,
      provider: 'fake',
      replace: false,
      returnUrl: 'https://app.example.com/',
      state: null,
      tokenSha256: 'a'.repeat(64),
      lifetimeMs: 60_000,
    });
    expect(await erase('ada')).toBe(204);
    expect(await store.connectLinks.list({ userId })).toEqual([]);
    const entries = await store.audit.list({ limit: 10 });
    expect(entries.map(({ type }) => type)).not.toContain('user.erased');
  });
});
