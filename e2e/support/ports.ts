import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import { poll } from './server.ts';

/** Another program of this host that has a port and says nothing on it. */
export async function takePort(port: number): Promise<{ release(): Promise<void> }> {
  // The ports are those of the host: another run of these tests may need one for a moment.
  const server = await poll(`port ${port} to be free`, () => listen(port));
  return {
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Waits until nobody on this host has the port. */
export async function untilFree(port: number): Promise<void> {
  await (await takePort(port)).release();
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('listening', () => resolve(server));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(port, '127.0.0.1');
  });
}

/** A port of this host that nobody has at the moment. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port }: AddressInfo = Object(server.address());
  server.close();
  await once(server, 'close');
  return port;
}
