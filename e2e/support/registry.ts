import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** npm settings of an operator whose registry cannot be used. Named in lower case, as `npm run` itself does: it wins. */
export interface Registry {
  readonly environment: Readonly<Record<string, string>>;
  /** From now on npm's own registry is used. */
  repair(): Promise<void>;
  close(): Promise<void>;
}

/** `refuses`: nobody listens there. `hangs`: it takes every request and answers none. */
export async function createBrokenRegistry(how: 'refuses' | 'hangs'): Promise<Registry> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const folder = await mkdtemp(join(tmpdir(), 'sp-npm-'));
  const stopListening = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  if (how === 'refuses') await stopListening();
  const file = join(folder, 'operator.npmrc');
  await writeFile(file, `registry=http://127.0.0.1:${port}/\nfetch-retries=0\n`);
  return {
    environment: { npm_config_userconfig: file },
    repair: () => writeFile(file, ''),
    close: async () => {
      await stopListening();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
