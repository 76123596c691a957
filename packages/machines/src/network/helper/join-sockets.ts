import type { Socket } from 'node:net';

/**
 * Passes everything on between two sockets, as slowly as the slower one reads. The end of one direction is passed on
 * as that alone; a connection that breaks breaks the other, so that nobody takes half of the bytes for all of them.
 */
export function joinSockets(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => {});
    // What ended well has passed its end on, and the last bytes may still be on their way.
    from.once('close', () => {
      if (from.errored !== null || !from.readableEnded) breakOff(to);
    });
    from.pipe(to);
    if (from.destroyed) breakOff(to);
  }
}

/** Ends a connection so that its other end takes it for a broken one. TCP can say so (RST); a unix socket cannot. */
export function breakOff(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
