import { SallyportError } from '@sallyport/core';

import type { GuestWake } from '../../guest/guest-port.ts';
import { withGuestPort } from '../qemu-sockets.ts';
import type { QemuSockets } from '../qemu-sockets.ts';
import type { QmpClient } from '../qmp.ts';
import { requireSameFacts } from './manifest.ts';
import type { SnapshotFacts } from './manifest.ts';
import { loadState } from './migrate.ts';
import type { TakenSnapshot } from './snapshot-directory.ts';

export interface ResumeOptions {
  readonly taken: TakenSnapshot;
  /** As they are now. */
  readonly facts: SnapshotFacts;
  readonly monitor: QmpClient;
  readonly sockets: QemuSockets;
  readonly uid: number | undefined;
  readonly memoryMb: number;
  readonly wake: GuestWake;
  readonly signal: AbortSignal;
}

/**
 * Goes on from a snapshot in a QEMU that waits for it. The guest's agent was stopped before the snapshot was taken: when
 * the processors run again it is still, until the guest has the time, randomness and its place.
 */
export async function resumeMachine(options: ResumeOptions): Promise<void> {
  const { taken, facts, monitor, sockets, uid, memoryMb, wake, signal } = options;
  requireSameFacts(taken.manifest.facts, facts);
  const { run } = sockets;
  const { bytes, sha256 } = await loadState(taken.state, { qmp: monitor, run, uid, memoryMb, signal });
  if (bytes !== taken.manifest.state.bytes || sha256 !== taken.manifest.state.sha256) {
    throw new SallyportError('MACHINE_FAILED', 'The memory in its snapshot is not what was saved.', {
      hint: 'Start it from its disk.',
    });
  }
  await monitor.execute('cont', {}, { signal });
  await withGuestPort(sockets, signal, (port) => port.wake(wake, { signal }));
}
