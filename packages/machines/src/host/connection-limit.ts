import type { Server, Socket } from 'node:net';

import { hangUp } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

export interface ConnectionLimit {
  /** Maximum number of open connections of a peer. */
  readonly most: number;
  /**
   * Identifies the peer; one that is `undefined` is not limited. Default: all connections are from one peer, as on a machine's
   * Unix socket.
   */
  readonly peerOf?: (socket: Socket) => string | undefined;
  /** Response written to a connection over the limit, without reading from it. */
  readonly refusal: string;
  readonly clock: Clock;
}

/** Refused connections of a peer that may stay open until it reads the response; more are closed without one. */
const MOST_LINGERING = 16;

/** Limits the open connections of each peer. Call it after all other `connection` listeners are added. */
export function limitConnections(server: Server, { most, peerOf = () => '', refusal, clock }: ConnectionLimit): void {
  const open = new Map<string, number>();
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    if (peer === undefined) {
      for (const listener of listeners) listener.call(server, socket);
      return;
    }
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
