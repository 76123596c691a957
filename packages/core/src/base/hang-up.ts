import type { Duplex } from 'node:stream';

import type { Clock } from './clock.ts';

/** How long a refused peer may keep its side of the connection open to read the response. */
const LINGER_MS = 1_000;

/**
 * Sends a final response and closes the connection. Destroys the socket if the peer does not close its side within a
 * second: Node's HTTP servers allow half-open connections, and each one costs a file descriptor.
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
