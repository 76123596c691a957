import { once } from 'node:events';
import { createServer, IncomingMessage, request as httpRequest } from 'node:http';
import { connect, createServer as createNetServer, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { SallyportError } from '@sallyport/core';
import type { UpgradedDesktop } from '@sallyport/core/protocol';
import { createVirtualClock } from '@sallyport/testkit';
import { afterEach, describe, expect, it } from 'vitest';

import { spliceDesktop } from './proxy.ts';
import type { DesktopEnd, SpliceOptions } from './proxy.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const roomy = { maxLifetimeMs: 60_000, idleMs: 60_000, maxBytes: 1 << 30 };

describe('the splice between a viewer and the agent', () => {
  const leftovers: (() => void)[] = [];

  afterEach(() => {
    for (const undo of leftovers.splice(0).toReversed()) undo();
  });

  /** Both ends of one connection. */
  async function socketPair(): Promise<[Socket, Socket]> {
    const server = createNetServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const near = connect(portOf(server.address()), '127.0.0.1');
    const [far] = await once(server, 'connection');
    server.close();
    for (const socket of [near, far]) socket.on('error', () => {});
    leftovers.push(() => near.destroy());
    return [near, far];
  }

  async function start(overrides: Partial<SpliceOptions> = {}, agentHead = '') {
    const [near, agent] = await socketPair();
    const asked: { key: string; protocol: string | undefined }[] = [];
    const upgraded: UpgradedDesktop = {
      socket: near,
      head: Buffer.from(agentHead),
      accept: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      protocol: 'binary',
    };
    let told: (end: DesktopEnd) => void = () => {};
    const ended = new Promise<DesktopEnd>((resolve) => (told = resolve));
    const server = createServer().on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void spliceDesktop({
        request,
        socket,
        head,
        upgrade: (key, protocol) => {
          asked.push({ key, protocol });
          return Promise.resolve(upgraded);
        },
        limits: roomy,
        onEnd: told,
        ...overrides,
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    leftovers.push(() => server.close());
    return { agent, asked, ended, port: portOf(server.address()), upgraded };
  }

  async function view(port: number, headers: Record<string, string> = {}, method = 'GET') {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': KEY,
        'Sec-WebSocket-Protocol': 'binary, sallyport.ticket.canary',
        'Sec-WebSocket-Extensions': 'permessage-deflate',
        ...headers,
      },
    });
    request.end();
    const [response, socket, head] = await Promise.race([once(request, 'upgrade'), once(request, 'response')]);
    leftovers.push(() => socket?.destroy());
    return { response, socket, head: String(head ?? '') };
  }

  it("answers with the agent's acceptance and nothing about extensions, and passes no ticket on", async () => {
    const { asked, port } = await start();
    const { response } = await view(port);
    expect(response.statusCode).toBe(101);
    expect(response.headers['sec-websocket-accept']).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(response.headers['sec-websocket-protocol']).toBe('binary');
    expect(response.headers['sec-websocket-extensions']).toBeUndefined();
    expect(asked).toEqual([{ key: KEY, protocol: 'binary' }]);
  });

  it('carries bytes both ways, those behind the handshake too, and counts them', async () => {
    const { agent, ended, port } = await start({}, 'early ');
    const { head, socket } = await view(port);
    agent.write('greeting');
    let seen = head;
    while (seen !== 'early greeting') seen += String((await once(socket, 'data'))[0]);
    socket.write('input');
    expect(String((await once(agent, 'data'))[0])).toBe('input');
    socket.end();
    expect(await ended).toMatchObject({ reason: 'closed', toViewer: 14, fromViewer: 5 });
    await once(agent, 'close');
  });

  it('closes the viewer when the agent goes', async () => {
    const { agent, ended, port } = await start();
    const { socket } = await view(port);
    agent.destroy();
    await once(socket.resume(), 'close');
    expect((await ended).reason).toBe('closed');
  });

  it.each([
    ['a key that is not 16 bytes', { 'Sec-WebSocket-Key': 'short' }, 'GET', 400],
    ['an old version', { 'Sec-WebSocket-Version': '8' }, 'GET', 426],
    ['another protocol', { Upgrade: 'h2c' }, 'GET', 426],
    ['another method', {}, 'POST', 405],
  ])('refuses %s without asking the agent', async (_, headers, method, status) => {
    const { asked, ended, port } = await start();
    const { response } = await view(port, headers, method);
    expect(response.statusCode).toBe(status);
    expect(asked).toEqual([]);
    expect((await ended).reason).toBe('refused');
  });

  it("answers 502 when the agent refuses, without the agent's words", async () => {
    const { ended, port } = await start({
      upgrade: () => Promise.reject(new SallyportError('AGENT_REFUSED', 'canary')),
    });
    const { response } = await view(port);
    expect(response.statusCode).toBe(502);
    let body = '';
    for await (const chunk of response) body += String(chunk);
    expect(JSON.parse(body)).toMatchObject({ status: 502, detail: 'The desktop does not answer.' });
    expect(body).not.toContain('canary');
    expect(await ended).toMatchObject({ reason: 'agent-failed', error: { code: 'AGENT_REFUSED' } });
  });

  it('lets no agent write headers', async () => {
    const { agent, port, upgraded } = await start();
    Object.assign(upgraded, { accept: 'x\r\nSet-Cookie: a=b' });
    const { response } = await view(port);
    expect(response.statusCode).toBe(502);
    await once(agent, 'close');
  });

  it('gives up on the agent when the viewer leaves first', async () => {
    let waiting: AbortSignal | undefined;
    const { ended, port } = await start({
      upgrade: (_key, _protocol, signal) => {
        waiting = signal;
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
    });
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
    );
    await expect.poll(() => waiting).toBeDefined();
    socket.resetAndDestroy();
    expect((await ended).reason).toBe('agent-failed');
  });

  it.each([
    ['lifetime', { ...roomy, maxLifetimeMs: 50_000 }, 50_000],
    ['idle', { ...roomy, idleMs: 50_000 }, 50_000],
    ['bytes', { ...roomy, maxBytes: 3 }, 0],
  ] as const)('ends a viewer at its limit: %s', async (reason, limits, afterMs) => {
    const clock = createVirtualClock();
    const { agent, ended, port } = await start({ limits, clock });
    const { socket } = await view(port);
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const arrived = afterMs > 0 ? once(socket, 'data') : undefined;
    agent.write('more than three');
    // The last byte has gone through, so the time without one begins now.
    await arrived;
    await clock.advance(afterMs);
    socket.resume();
    await closed;
    expect((await ended).reason).toBe(reason);
  });

  it('gives a slow viewer the last bytes of an agent that has closed', async () => {
    const agent = new Duplex({ allowHalfOpen: false, read: () => {}, write: (_chunk, _encoding, done) => done() });
    const taken: (() => void)[] = [];
    const received: Buffer[] = [];
    const viewer = new Duplex({
      writableHighWaterMark: 1,
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        received.push(chunk);
        taken.push(done);
      },
    });
    const headers = { upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': KEY };
    const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', headers });
    const ended = new Promise<DesktopEnd>((resolve) => {
      void spliceDesktop({
        request,
        socket: viewer,
        head: Buffer.alloc(0),
        upgrade: async () => ({ socket: agent, head: Buffer.alloc(0), accept: 'x', protocol: undefined }),
        limits: roomy,
        onEnd: resolve,
      });
    });
    agent.push('first ');
    agent.push('second ');
    agent.push(null);
    await once(agent, 'end');
    await setImmediate();
    // Only now the viewer takes what it was sent.
    const taking = async (): Promise<void> => {
      while (!viewer.destroyed) {
        for (const done of taken.splice(0)) done();
        await setImmediate();
      }
    };
    const [{ reason, toViewer }] = await Promise.all([ended, taking()]);
    expect(Buffer.concat(received).toString()).toMatch(/first second $/);
    expect({ reason, toViewer }).toEqual({ reason: 'closed', toViewer: 13 });
  });

  it('lets a slow viewer hold the agent back instead of filling memory', async () => {
    const { agent, port } = await start();
    const { socket } = await view(port);
    let [taken, received, mostUnderway] = [0, 0, 0];
    const chunk = Buffer.alloc(64 * 1024);
    const pump = (): void => {
      while (taken < 128e6) {
        taken += chunk.length;
        if (!agent.write(chunk)) return;
      }
      agent.end();
    };
    agent.on('drain', pump);
    pump();
    const bytes: AsyncIterable<Buffer> = socket;
    for await (const data of bytes) {
      received += data.length;
      mostUnderway = Math.max(mostUnderway, taken - received);
      // In each of these turns of the event loop, the splice could read many times what the viewer takes at once.
      for (let turn = 0; turn < 5; turn++) await setImmediate();
    }
    expect(received).toBe(taken);
    // What the sockets of this host hold does not count as memory of the splice.
    expect(mostUnderway).toBeLessThan(50e6);
  });
});

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('not listening on a port');
  return address.port;
}
