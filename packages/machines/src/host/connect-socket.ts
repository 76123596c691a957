import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';

/**
 * Connects to a socket that a machine created in its directory. The machine could plant a symlink to another socket
 * of the host. On Linux, this opens the file without following symlinks, checks it and connects by descriptor, which
 * also avoids the length limit on socket paths.
 */
export async function connectSocket(path: string, owner: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  if (process.platform !== 'linux') {
    return connected(path, signal);
  }
  await using handle = await open(path, O_PATH | constants.O_NOFOLLOW);
  const facts = await handle.stat();
  if (!facts.isSocket() || facts.uid !== owner) {
    throw new SallyportError('AGENT_UNREACHABLE', `${path} is not a socket created by the machine's agent.`);
  }
  return await connected(`/proc/self/fd/${handle.fd}`, signal);
}

/** O_PATH of open(2): the descriptor only names the file. Node has no constant for it. */
const O_PATH = 0o10000000;

function connected(path: string, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', reject);
      resolve(socket);
    });
    socket.once('error', (error) => {
      signal.removeEventListener('abort', abort);
      reject(error);
    });
  });
}
