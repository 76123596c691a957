import type { Clock } from '@sallyport/core';

import { parseLoggedExit } from './exit-log.ts';
import { isRunning } from '../host/process.ts';
import type { HostProcess } from '../host/process.ts';

/** How a Firecracker process ended. Both are null where nobody saw it and its log does not say. */
export interface VmmExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running Firecracker process, jailed or not. */
export interface VmmProcess {
  /** Resolves when it has ended and was reaped. Never rejects. */
  readonly exited: Promise<VmmExit>;
  /** Does nothing where the process has ended, even when its number belongs to another one by now. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Often enough for a machine that is waited for; a look costs some 50 µs. */
const LOOK_EVERY_MS = 50;

/**
 * A process that is nobody's child here: the jailer leaves Firecracker behind under a number in its `.pid` file, and
 * a restarted server finds one in its records. It is known by its start time as well, because numbers are reused.
 * `log` is what it has said, which is what says how it ended.
 */
export function watchVmm(known: HostProcess, log: () => string, clock: Clock, signal: AbortSignal): VmmProcess {
  async function ended(): Promise<VmmExit> {
    while (!signal.aborted && (await isRunning(known))) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => {});
    }
    // Its last words are in the pipe already; they are read in the next turn.
    await clock.sleep(0).catch(() => {});
    return parseLoggedExit(log());
  }
  return {
    exited: ended(),
    kill: async (name) => {
      if (await isRunning(known)) {
        process.kill(known.pid, name);
      }
    },
  };
}
