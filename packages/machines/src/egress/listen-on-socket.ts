import { chmod, mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';

import { removeShortcut, shortenDirectory } from '../host/short-path.ts';

export interface ListenOptions {
  /** Made when it is absent. */
  readonly directory: string;
  /** Name of the socket in it. */
  readonly name: string;
  /** Called once, before the connections are closed. */
  readonly onClose: () => void;
}

export interface SocketRoute {
  readonly socketPath: string;
  close(): Promise<void>;
}

/** Listens on a Unix socket that only the server's user may use. */
export async function listenOnSocket(
  server: Server,
  { directory, name, onClose }: ListenOptions,
): Promise<SocketRoute> {
  // Others may pass through: a machine's user reaches its own socket, whose permissions decide.
  await mkdir(directory, { recursive: true, mode: 0o711 });
  const socketPath = join(directory, name);
  await rm(socketPath, { force: true });
  const short = await shortenDirectory(directory, name.length);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(join(short.path, name), resolve);
    });
    await chmod(socketPath, 0o600);
  } catch (error) {
    await removeShortcut(short.shortcut);
    throw error;
  }
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    onClose();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(socketPath, { force: true });
    await removeShortcut(short.shortcut);
  };
  return { socketPath, close: () => (closing ??= close()) };
}
