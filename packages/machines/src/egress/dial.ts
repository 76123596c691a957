import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** Opens a connection to an address that was checked, and resolves when it is open. */
export type Dial = (address: string, port: number, signal: AbortSignal) => Promise<Duplex>;

/** Straight from this host. */
export const dialTcp: Dial = async (address, port, signal) => {
  const socket = connect({ host: address, port });
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
};
