import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';

/**
 * Connects to a socket that a machine made in its own directory. The machine could put a link to some other
 * socket of the host there, so on Linux the file is opened first without following links, looked at, and
 * then connected to by its descriptor, which also has no limit on the length of its path.
 */
export async function connectSocket(path: string, owner: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  if (process.platform !== 'linux') {
    return connected(path, signal);
  }
  await using handle = await open(path, O_PATH | constants.O_NOFOLLOW);
  const facts = await handle.stat();
  if (!facts.isSocket() || facts.uid !== owner) {
    throw new SallyportError('AGENT_UNREACHABLE', `${path} is not a socket that the machine's agent made.`);
  }
  return await connected(`/proc/self/fd/${handle.fd}`, signal);
}

/** open(2): a descriptor that only names the file. Node has no constant for it. */
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
