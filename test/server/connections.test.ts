import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { createVirtualClock } from '@sallyport/testkit';
import { afterEach, describe, expect, it } from 'vitest';

import { createTrustedProxies } from '../../packages/server/src/auth/trusted-proxies.ts';
import { countSockets } from '../setup/count-sockets.ts';
import { rawRequest } from './raw-request.ts';
import { startTestServer } from './test-server.ts';
import type { TestServerOptions } from './test-server.ts';

const leftovers: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of leftovers.splice(0).toReversed()) await undo();
});

async function start(
  options: Pick<TestServerOptions, 'connectionsPerAddress' | 'connections' | 'trustedProxies'> = {},
) {
  const clock = createVirtualClock();
  const server = await startTestServer({ clock, ...options });
  leftovers.push(() => server.close());
  const port = Number(new URL(server.url).port);
  /** A client that never closes its side. */
  const open = async (text = ''): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    leftovers.push(() => socket.destroy());
    await once(socket, 'connect');
    socket.write(text);
    return socket;
  };
  return { clock, port, host: server.host, open };
}

describe('the connections of the public port', () => {
  it.each([
    ['upgrades', 'GET /api/anything HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n', 403],
    ['malformed requests', 'NONSENSE\r\n', 400],
  ])('destroys the sockets of refused %s that the client keeps half open', async (_what, head, status) => {
    const { clock, open, host } = await start();
    const before = countSockets();
    const clients: Socket[] = [];
    for (let count = 0; count < 20; count++) {
      const socket = await open(`${head}Host: ${host}\r\n\r\n`);
      expect(String((await once(socket, 'data'))[0])).toContain(`HTTP/1.1 ${status} `);
      clients.push(socket);
    }
    await clock.advance(1_000);
    await setImmediate();
    expect(countSockets() - before).toBe(clients.length);
    expect(clock.pending).toBe(0);
  });

  it('refuses the connections of one address that are over the limit, and says so', async () => {
    const { clock, open, host, port } = await start({ connectionsPerAddress: 3 });
    const silent = [await open(), await open(), await open()];
    const request = ['GET /api/health HTTP/1.1', `Host: ${host}`, 'Connection: close'];
    const refused = await rawRequest(port, request);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ detail: expect.stringContaining('Too many connections') });
    silent[0]?.destroy();
    await expect.poll(async () => (await rawRequest(port, request)).status).not.toBe(503);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });

  it('refuses the connections of a trusted proxy that are over the limit of all, and counts upgraded ones', async () => {
    const trustedProxies = createTrustedProxies(['127.0.0.1']);
    const { clock, open, host, port } = await start({ connectionsPerAddress: 1, connections: 2, trustedProxies });
    const upgrade = 'GET /api/anything HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const upgraded = await open(`${upgrade}Host: ${host}\r\n\r\n`);
    expect(String((await once(upgraded, 'data'))[0])).toContain('HTTP/1.1 403 ');
    const silent = await open();
    const request = ['GET /api/health HTTP/1.1', `Host: ${host}`, 'Connection: close'];
    const refused = await rawRequest(port, request);
    expect(refused.status).toBe(503);
    expect(JSON.parse(refused.body)).toMatchObject({ detail: 'Too many connections are open. Try again later.' });
    silent.destroy();
    await expect.poll(async () => (await rawRequest(port, request)).status).not.toBe(503);
    await clock.advance(1_000);
    expect(clock.pending).toBe(0);
  });
});
