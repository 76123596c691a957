import { systemClock } from '@sallyport/core';

// By its path: the test kit depends on this package, so this package cannot depend on the test kit.
import { createVirtualClock } from '../../../testkit/src/clock.ts';
import type { VirtualClock } from '../../../testkit/src/clock.ts';

export interface PatientClock extends VirtualClock {
  /** How many short sleeps there were: who looks again and again can be given time for each look. */
  readonly naps: number;
  /** Lets time pass, in small steps, until this has settled. For what has to end by a time limit. */
  passUntil<T>(settled: Promise<T>): Promise<T>;
}

/**
 * Time limits on it never come by themselves, however long the computer stalls; only `advance` brings them. Sleeps of
 * less than a second are short looks at real files and processes, and take their real time.
 */
export function createPatientClock(): PatientClock {
  const clock = createVirtualClock();
  let naps = 0;
  return {
    ...clock,
    get pending() {
      return clock.pending;
    },
    get naps() {
      return naps;
    },
    sleep: (ms, signal) => {
      if (ms >= 1000) return clock.sleep(ms, signal);
      naps += 1;
      return systemClock.sleep(ms, signal);
    },
    passUntil: async (settled) => {
      const over = new AbortController();
      const end = (): void => over.abort();
      settled.then(end, end);
      while (!over.signal.aborted) {
        await clock.advance(100);
        await systemClock.sleep(1);
      }
      return settled;
    },
  };
}
