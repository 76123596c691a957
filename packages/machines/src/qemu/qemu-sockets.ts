import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { createGuestPort } from '../guest/guest-port.ts';
import type { GuestPort } from '../guest/guest-port.ts';
import { connectSocket } from '../host/connect-socket.ts';
import { sockets } from './layout.ts';
import { openQmp } from './qmp.ts';
import type { QmpClient } from './qmp.ts';

/** QEMU's directory, and the user its sockets must belong to. */
export interface QemuSockets {
  readonly machineId: string;
  readonly run: string;
  readonly owner: number;
  readonly clock: Clock;
}

const RETRY_MS = 10;

/** Waits for the monitor and connects to it. The signal ends the wait. */
export async function openMonitor({ run, owner, clock }: QemuSockets, signal: AbortSignal): Promise<QmpClient> {
  for (;;) {
    const connection = await connectSocket(join(run, sockets.monitor), owner, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (SallyportError.isInstance(error)) throw error;
    });
    if (connection) return openQmp(connection, { clock, signal });
    await clock.sleep(RETRY_MS, signal);
  }
}

/** Connects to the guest's port while the work runs. Only one connection can be open. */
export async function withGuestPort<Result>(
  { machineId, run, owner, clock }: QemuSockets,
  signal: AbortSignal,
  work: (port: GuestPort) => Promise<Result>,
): Promise<Result> {
  const port = createGuestPort(await connectSocket(join(run, sockets.guestPort), owner, signal), { machineId, clock });
  try {
    return await work(port);
  } finally {
    port.close();
  }
}
