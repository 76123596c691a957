import type { Clock } from '@sallyport/core';

import { createGuestPort } from '../../guest/guest-port.ts';
import type { GuestPort } from '../../guest/guest-port.ts';
import type { JailLayout } from '../jailer/layout.ts';
import { connectVsock, waitForVsock } from '../vsock.ts';

/** Inside the guest only root may listen there, so nobody else takes what is said to the machine. */
const CONTROL_PORT = 52;

export interface GuestChannel {
  readonly machineId: string;
  readonly layout: Pick<JailLayout, 'vsock'>;
  /** The machine's own user, who made the socket. */
  readonly user: number;
  readonly clock: Clock;
}

/** Speaks with the guest itself, on a new connection. A guest that just woke listens in a moment. */
export async function withGuestPort<T>(
  { machineId, layout, user, clock }: GuestChannel,
  signal: AbortSignal,
  work: (port: GuestPort) => Promise<T>,
): Promise<T> {
  const target = { path: layout.vsock, port: CONTROL_PORT, owner: user };
  const port = createGuestPort(await waitForVsock(target, clock, signal), { machineId, clock });
  try {
    return await work(port);
  } finally {
    port.close();
  }
}

export function connectGuest({ layout, user, clock }: GuestChannel, port: number, signal: AbortSignal) {
  return connectVsock({ path: layout.vsock, port, owner: user }, clock, signal);
}
