import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { MachineExit } from '@sallyport/core/driver';

import type { QemuProcess } from './qemu-process.ts';

export interface StopParts {
  readonly process: QemuProcess;
  readonly clock: Clock;
  /** Asks the guest to end: its disk is clean afterwards. */
  readonly askGuest: (signal: AbortSignal) => Promise<void>;
}

const KILL_WITHIN_MS = 10_000;

/** Ends a machine: politely as long as the deadline allows, then not. Afterwards it does not run. */
export async function stopQemu({ process, clock, askGuest }: StopParts, deadlineMs: number): Promise<MachineExit> {
  const exit = deadlineMs > 0 ? await endWithin(process, clock, deadlineMs, askGuest) : undefined;
  return exit ?? killQemu(process, clock);
}

/** Ends a machine at once. */
export async function killQemu(process: QemuProcess, clock: Clock): Promise<MachineExit> {
  const exit = await endWithin(process, clock, KILL_WITHIN_MS, () => process.kill());
  if (exit) return exit;
  throw new SallyportError('MACHINE_FAILED', `QEMU, process ${process.known.pid}, did not end when killed.`, {
    hint: 'It hangs in the kernel, for instance on a dead network file system. Look at it with ps.',
  });
}

/** `undefined` where it still runs after that time. One that cannot be asked is not waited for. */
async function endWithin(
  process: QemuProcess,
  clock: Clock,
  ms: number,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<MachineExit | undefined> {
  const over = new AbortController();
  const late = clock.sleep(ms, over.signal).then(
    () => undefined,
    () => undefined,
  );
  const failed = act(over.signal).then(
    () => late,
    () => undefined,
  );
  const exit = await Promise.race([process.exited, late, failed]);
  over.abort();
  return exit;
}
