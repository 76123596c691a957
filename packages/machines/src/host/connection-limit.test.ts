import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';

import { createVirtualClock } from '@sallyport/testkit';
import { afterEach, describe, expect, it } from 'vitest';

import { createConnectionLimit } from './connection-limit.ts';
import type { ConnectionLimit } from './connection-limit.ts';

const leftovers: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of leftovers.splice(0).toReversed()) await undo();
});

/** Peers are named by the order in which they connect. */
async function start(names: readonly (string | undefined)[], limits: Pick<ConnectionLimit, 'most' | 'inAll'>) {
  let next = 0;
  const peerOf = (): string | undefined => names[next++];
  const limit = createConnectionLimit({ ...limits, peerOf, refusal: 'too many of yours', clock: createVirtualClock() });
  const listen = async (): Promise<() => Socket> => {
    const server = createServer((socket) => socket.write('welcome'));
    limit(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    leftovers.push(() => server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return () => {
      const socket = connect({ port, host: '127.0.0.1' });
      leftovers.push(() => socket.destroy());
      return socket;
    };
  };
  return { listen };
}

const welcome = async (socket: Socket): Promise<Socket> => {
  expect(String((await once(socket, 'data'))[0])).toBe('welcome');
  return socket;
};

describe('a limit of connections', () => {
  it('counts all peers together, those that are not identified included', async () => {
    const inAll = { most: 2, refusal: 'too many of all' };
    const { listen } = await start(['a', undefined, undefined, 'a'], { most: 2, inAll });
    const open = await listen();
    await welcome(open());
    const proxied = await welcome(open());
    expect(await text(open())).toBe('too many of all');
    proxied.destroy();
    await expect.poll(async () => String((await once(open(), 'data'))[0])).toBe('welcome');
  });

  it('is shared by all servers that it is given to', async () => {
    const { listen } = await start(['a', 'a'], { most: 1 });
    const [one, other] = [await listen(), await listen()];
    await welcome(one());
    expect(await text(other())).toBe('too many of yours');
  });
});
