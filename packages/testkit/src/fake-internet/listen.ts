import { chmod } from 'node:fs/promises';
import type { Server } from 'node:http';

import { SallyportError } from '@sallyport/core';

/** `sun_path` of unix(7) holds 108 bytes, the last of which is zero; macOS has four fewer. */
export const longestSocketPath = 103;

export async function listenOnSocket(server: Server, path: string, mode: number): Promise<void> {
  if (Buffer.byteLength(path) > longestSocketPath) {
    throw new SallyportError(
      'EGRESS_FAILED',
      `The path of the socket ${path} is longer than ${longestSocketPath} bytes.`,
      {
        hint: 'Choose a directory with a shorter path.',
      },
    );
  }
  await listen(server, { path });
  await chmod(path, mode);
}

/** Listens on the loopback address only, and returns the port. */
export async function listenOnLoopback(server: Server, port: number): Promise<number> {
  await listen(server, { host: '127.0.0.1', port });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A loopback server has a port.');
  return address.port;
}

export async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeAllConnections();
  await closed;
}

function listen(server: Server, where: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
