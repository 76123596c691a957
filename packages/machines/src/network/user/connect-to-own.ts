import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { SallyportError } from '@sallyport/core';

export interface OwnListener {
  readonly host: string;
  readonly port: number;
  /** The user whose program must be the one that listens. */
  readonly owner: number;
  readonly signal: AbortSignal;
}

/**
 * A connection to a loopback port, which any user of this host could listen on once the monitor has ended. Nobody
 * else's program is spoken to: it would be told the machine's token.
 */
export async function connectToOwn({ host, port, owner, signal }: OwnListener): Promise<Socket> {
  signal.throwIfAborted();
  const found = findListener(await readFile('/proc/net/tcp', 'utf8'), host, port);
  if (found !== owner) {
    const what = found === undefined ? 'Nobody listens' : `A program of user ${found} listens`;
    throw new SallyportError('AGENT_UNREACHABLE', `${what} at ${host}:${port}, where the machine's monitor should.`);
  }
  return await connected(host, port, signal);
}

const LISTEN = '0A';

/** The user of the socket that takes connections to this address: proc_pid_net(5), whose addresses are in host order. */
export function findListener(table: string, host: string, port: number): number | undefined {
  const bytes = host.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  const address = `${bytes.toReversed().join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
  for (const line of table.split('\n').slice(1)) {
    const [, local, , state, , , , user] = line.trim().split(/\s+/);
    if (local === address && state === LISTEN) return Number(user);
  }
  return undefined;
}

function connected(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason);
    };
    const failed = (cause: Error): void => {
      signal.removeEventListener('abort', abort);
      reject(new SallyportError('AGENT_UNREACHABLE', `Nobody answers at ${host}:${port}.`, { cause }));
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', failed).once('connect', () => {
      signal.removeEventListener('abort', abort);
      socket.off('error', failed);
      resolve(socket);
    });
  });
}
