import type { Server, Socket } from 'node:net';

import { hangUp } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';

export interface ConnectionLimit {
  /** Maximum number of open connections of a peer. */
  readonly most: number;
  /**
   * Identifies the peer; one that is `undefined` is limited by {@link inAll} alone. Default: all connections are from one
   * peer, as on a machine's Unix socket.
   */
  readonly peerOf?: (socket: Socket) => string | undefined;
  /** Response written to a connection over the limit, without reading from it. */
  readonly refusal: string;
  /** Maximum number of open connections of all peers, and the response to one over it. Default: no limit. */
  readonly inAll?: { readonly most: number; readonly refusal: string };
  readonly clock: Clock;
}

/** Refused connections of a peer that may stay open until it reads the response; more are closed without one. */
const MOST_LINGERING = 16;

/** Limits the open connections of each peer. Call it after all other `connection` listeners are added. */
export function limitConnections(server: Server, limit: ConnectionLimit): void {
  createConnectionLimit(limit)(server);
}

/**
 * Returns a function that limits a server as {@link limitConnections} does. Servers that it is called with share the
 * limits: one that listens on `localhost` is two. A connection counts until it closes, upgraded or not.
 */
export function createConnectionLimit(limit: ConnectionLimit): (server: Server) => void {
  const { most, peerOf = () => '', refusal, inAll, clock } = limit;
  const open = new Map<string, number>();
  let total = 0;
  return (server) => {
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      const before = peer === undefined ? 0 : (open.get(peer) ?? 0);
      const totalBefore = total;
      total += 1;
      if (peer !== undefined) open.set(peer, before + 1);
      socket.once('close', () => {
        total -= 1;
        if (peer === undefined) return;
        const left = (open.get(peer) ?? 1) - 1;
        if (left > 0) open.set(peer, left);
        else open.delete(peer);
      });
      const refuse = (answer: string, over: number): void => {
        if (over < MOST_LINGERING) hangUp(socket, answer, clock);
        else socket.destroy();
      };
      if (before >= most) refuse(refusal, before - most);
      else if (inAll && totalBefore >= inAll.most) refuse(inAll.refusal, totalBefore - inAll.most);
      else for (const listener of listeners) listener.call(server, socket);
    });
  };
}
