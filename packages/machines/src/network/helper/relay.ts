import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

import { breakOff, joinSockets } from './join-sockets.ts';

/** Which guests there are, the egress of each, and every connection of theirs. */
export interface Relay {
  /** From now on this address has this egress, and no connection of before. */
  open(address: string, egressSocket: string): void;
  /** Ends all connections of the address and takes no more. */
  close(address: string): void;
  /** A guest asks for its egress. Who it is, is known by its address alone, which the packet filter vouches for. */
  serve(guest: Socket): Promise<void>;
  /** A connection to a port of a guest, open and without an owner. */
  dial(address: string, port: number, caller: Socket): Promise<Socket>;
}

interface Place {
  readonly egressSocket: string;
  readonly sockets: Set<Socket>;
  /** Connections out that are open now. */
  outgoing: number;
}

/** The egress proxy has a limit of 64 tunnels; this one is for what has not asked for a tunnel yet. */
const MAX_OUTGOING = 128;
const MAX_SOCKETS = 1024;
const KEEP_ALIVE_MS = 30_000;

export function createRelay(): Relay {
  const places = new Map<string, Place>();

  function close(address: string): void {
    const place = places.get(address);
    places.delete(address);
    for (const socket of place?.sockets ?? []) breakOff(socket);
  }

  function keep(place: Place, socket: Socket): void {
    place.sockets.add(socket);
    socket.once('close', () => place.sockets.delete(socket));
  }

  return {
    open: (address, egressSocket) => {
      close(address);
      places.set(address, { egressSocket, sockets: new Set(), outgoing: 0 });
    },
    close,
    serve: async (guest) => {
      const place = places.get(guest.remoteAddress ?? '');
      guest.on('error', () => {});
      if (!place || place.outgoing >= MAX_OUTGOING) {
        breakOff(guest);
        return;
      }
      place.outgoing++;
      guest.once('close', () => place.outgoing--);
      keep(place, guest);
      guest.setKeepAlive(true, KEEP_ALIVE_MS);
      const proxy = await connectUnix(place.egressSocket);
      keep(place, proxy);
      // The place may have been given up meanwhile.
      if (guest.destroyed) proxy.destroy();
      else joinSockets(guest, proxy);
    },
    dial: async (address, port, caller) => {
      const place = places.get(address);
      if (!place) throw new Error(`no machine has ${address}`);
      if (place.sockets.size >= MAX_SOCKETS) throw new Error(`too many connections of ${address}`);
      const guest = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
      keep(place, guest);
      const give = (): void => void guest.destroy();
      caller.once('close', give);
      await connected(guest);
      caller.off('close', give);
      if (caller.destroyed) guest.destroy();
      guest.setKeepAlive(true, KEEP_ALIVE_MS);
      keep(place, caller);
      return guest;
    },
  };
}

/** open(2): a descriptor that only names the file. Node has no constant for it. */
const O_PATH = 0o10000000;

/** By descriptor, since the path of a data directory can be longer than an address of a socket (107 bytes, unix(7)). */
async function connectUnix(path: string): Promise<Socket> {
  await using handle = await open(path, O_PATH | constants.O_NOFOLLOW);
  const socket = connect({ path: `/proc/self/fd/${handle.fd}`, allowHalfOpen: true });
  await connected(socket);
  return socket;
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error?: Error): void => reject(error ?? new Error('the connection was given up'));
    socket.once('error', failed);
    socket.once('close', () => failed());
    socket.once('connect', () => {
      socket.off('error', failed);
      socket.on('error', () => {});
      resolve();
    });
  });
}
