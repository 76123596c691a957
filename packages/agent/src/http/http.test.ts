import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import { AGENT_MAX_BODY } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { startTestAgent, token } from '../__fixtures__/test-agent.ts';
import type { TestAgent } from '../__fixtures__/test-agent.ts';
import { createAgentServer } from './http.ts';

const socketOf = ({ boot }: TestAgent): string => ('socket' in boot.listen ? boot.listen.socket : '');

/** What the agent answers to bytes that no HTTP client would send. */
function raw(agent: TestAgent, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(socketOf(agent));
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    // The agent may hang up on a caller who goes on sending; what it said before that counts.
    socket.on('error', () => {}).once('close', () => resolve(answer));
    socket.write(bytes);
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.2');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('A server on a port has no port.');
  return address.port;
}

describe('the agent’s door', () => {
  it('is a socket for this user alone', async () => {
    await using agent = await startTestAgent('exit 0');
    expect((await stat(socketOf(agent))).mode & 0o777).toBe(0o600);
  });

  it('is a port of the address it was given, and of no other', async () => {
    const port = await freePort();
    const server = createAgentServer({
      token: new Secret(token),
      router: () => Promise.resolve(),
      onViewer: () => {},
    });
    await server.listen({ port, host: '127.0.0.2' });
    expect((await fetch(`http://127.0.0.2:${port}/health`)).status).toBe(401);
    await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow('fetch failed');
    await server.close();
  });

  it('serves a bounded number of connections at once', async () => {
    await using agent = await startTestAgent('exit 0');
    const idle = Array.from({ length: 32 }, () => connect(socketOf(agent)));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    const request = `GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer ${token}\r\n\r\n`;
    expect(await raw(agent, request)).toBe('');
    idle[0]?.destroy();
    let answer = '';
    await until('the place of the one that left', async () => (answer = await raw(agent, request)) !== '');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of idle) socket.destroy();
  });

  it('hangs up on a caller who does not finish the header of a request', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-door-'));
    const path = join(folder, 'agent.sock');
    const limits = { headersMs: 20, requestMs: 0 };
    const server = createAgentServer({
      token: new Secret(token),
      router: () => Promise.resolve(),
      onViewer: () => {},
      ...limits,
    });
    await server.listen({ socket: path });
    // A server of Node.js alone with the same limits. Where it has hung up again and again, the agent has too.
    const control = createHttpServer({
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.headersMs,
    }).listen(join(folder, 'control.sock'));
    await once(control, 'listening');
    let isOver = false;
    const dawdler = connect(path).once('close', () => (isOver = true));
    dawdler.resume().write('GET /health HTTP/1.1\r\nhost: a\r\n');
    await once(dawdler, 'connect');
    for (let round = 0; round < 5; round++) {
      const other = connect(join(folder, 'control.sock')).resume();
      other.write('GET / HTTP/1.1\r\n');
      await once(other, 'close');
    }
    expect(isOver).toBe(true);
    dawdler.destroy();
    control.close();
    await server.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['no token', {}],
    ['another token', { authorization: 'Bearer other' }],
    ['another scheme', { authorization: token }],
  ])('answers 401 to %s before anything else', async (_, headers) => {
    await using agent = await startTestAgent('exit 0');
    const request = { authorization: '', ...headers };
    expect(await agent.get('/health', request)).toMatchObject({ status: 401, body: { code: 'ACCESS_DENIED' } });
    expect((await agent.post('/no/such/route', {}, request)).status).toBe(401);
  });

  it('wants the token for a viewer too, and has none to show without a desktop', async () => {
    await using agent = await startTestAgent('exit 0');
    const upgrade = (authorization: string): string =>
      `GET /vnc HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nauthorization: ${authorization}\r\n\r\n`;
    expect(await raw(agent, upgrade('Bearer x'))).toMatch(/^HTTP\/1\.1 401 /);
    expect(await raw(agent, upgrade(`Bearer ${token}`))).toMatch(/^HTTP\/1\.1 503 /);
    expect(await raw(agent, upgrade(`Bearer ${token}`).replace('/vnc', '/else'))).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('tells how it is', async () => {
    await using agent = await startTestAgent('exit 0');
    const { status, body } = await agent.get('/health');
    expect(status).toBe(200);
    expect(body).toEqual({ status: 'ok', timestamp: expect.stringMatching(/^\d{4}-.*Z$/), activeSessions: 0 });
  });
});

describe('a request that is wrong', () => {
  const path = '/credentials/ack';

  it.each([
    ['an unknown route', '/nowhere', '{}', {}, 404, 'NOT_FOUND'],
    ['a body of another type', path, '{}', { 'content-type': 'text/plain' }, 415, 'REQUEST_UNSUPPORTED_TYPE'],
    ['broken JSON', path, '{', {}, 400, 'REQUEST_INVALID'],
    ['an unknown field', path, '{"offerId":"a","userId":"b"}', {}, 400, 'REQUEST_INVALID'],
    ['a missing field', path, '{}', {}, 400, 'REQUEST_INVALID'],
    ['deep nesting', path, `{"offerId":${'['.repeat(100_000)}`, {}, 400, 'REQUEST_INVALID'],
    [
      'a body that is too large',
      path,
      JSON.stringify({ offerId: 'a'.repeat(AGENT_MAX_BODY) }),
      {},
      413,
      'REQUEST_TOO_LARGE',
    ],
  ])('is answered with a code for %s', async (_, where, body, headers, status, code) => {
    await using agent = await startTestAgent('exit 0');
    expect(await agent.post(where, body, headers)).toMatchObject({ status, body: { code } });
    expect((await agent.get('/health')).status).toBe(200);
  });

  it('cannot hide the size of its body', async () => {
    await using agent = await startTestAgent('exit 0');
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`;
    const chunk = `10000\r\n${'a'.repeat(0x10000)}\r\n`;
    expect(await raw(agent, head + chunk.repeat(40))).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('is refused when its header is too large', async () => {
    await using agent = await startTestAgent('exit 0');
    expect((await agent.get('/health', { 'x-filler': 'a'.repeat(20_000) }).catch(() => ({ status: 431 }))).status).toBe(
      431,
    );
  });
});
