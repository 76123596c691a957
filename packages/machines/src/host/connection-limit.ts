import type { Server, Socket } from 'node:net';

import { hangUp } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

export interface ConnectionLimit {
  /** Open connections of one peer at a time. */
  readonly most: number;
  /** Who connects. Default: everyone is the same peer, as on the Unix socket of one machine. */
  readonly peerOf?: (socket: Socket) => string;
  /** Written to a connection over the limit. Nothing of it is read. */
  readonly refusal: string;
  readonly clock: Clock;
}

/** Refusals of one peer that may wait for it to read the answer; more are closed without one. */
const MOST_LINGERING = 16;

/** Caps the open connections of each peer. Call it after everything else listens to `connection`. */
export function limitConnections(server: Server, { most, peerOf = () => '', refusal, clock }: ConnectionLimit): void {
  const open = new Map<string, number>();
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    const before = open.get(peer) ?? 0;
    open.set(peer, before + 1);
    socket.once('close', () => {
      const left = (open.get(peer) ?? 1) - 1;
      if (left > 0) open.set(peer, left);
      else open.delete(peer);
    });
    if (before < most) for (const listener of listeners) listener.call(server, socket);
    else if (before < most + MOST_LINGERING) hangUp(socket, refusal, clock);
    else socket.destroy();
  });
}
