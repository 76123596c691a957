import type { Duplex } from 'node:stream';

import type { Clock } from './clock.ts';

/** How long a refused peer may keep its side of a connection open to read the answer. */
const LINGER_MS = 1_000;

/**
 * Sends a last answer and closes the connection. A peer that does not close its side within a second loses the socket:
 * Node's HTTP servers allow half-open connections, and each one kept open costs a file descriptor.
 */
export function hangUp(socket: Duplex, answer: string, clock: Clock): void {
  if (socket.destroyed) return;
  const closed = new AbortController();
  socket.once('close', () => closed.abort());
  socket.on('error', () => socket.destroy());
  // Unread bytes would hide that the peer has closed its side.
  socket.resume();
  if (!socket.writableEnded) socket.end(answer);
  clock.sleep(LINGER_MS, closed.signal).then(
    () => socket.destroy(),
    () => undefined,
  );
}
