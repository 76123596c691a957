import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

/** Opens a connection to an address that was checked, and resolves when it is open. */
export type Dial = (address: string, port: number, signal: AbortSignal) => Promise<Duplex>;

/** How a user's connections leave. */
export interface Way {
  /** Goes to where it begins, such as a proxy. Before that, nobody is asked for the address of a host either. */
  enter(signal: AbortSignal): Promise<Entrance>;
}

/** The beginning of a way, entered for one connection. */
export interface Entrance {
  readonly dial: Dial;
  /** Where it was not used. */
  close(): void;
}

/** One that begins right here. */
export function straight(dial: Dial): Way {
  return { enter: async () => ({ dial, close: () => undefined }) };
}

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
