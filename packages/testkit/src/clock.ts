import { setImmediate } from 'node:timers/promises';

import type { Clock } from '@sallyport/core';

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /**
   * Moves time on, waking sleepers and deadlines in order, each at its own time; what they start in turn is
   * woken too when it falls inside. Resolves when everything that was woken has had its turn.
   */
  advance(ms: number): Promise<void>;
  /** How many sleepers and deadlines are waiting: a test can see that nothing was left behind. */
  readonly pending: number;
}

/** Starts at the first second of 2026 unless told otherwise. */
export function createVirtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Map<symbol, Timer>();
  let elapsed = 0;

  const arm = (ms: number, fire: () => void): (() => void) => {
    const id = Symbol('timer');
    timers.set(id, { at: elapsed + Math.max(0, ms), fire });
    return () => timers.delete(id);
  };
  const next = (until: number): [symbol, Timer] | undefined =>
    [...timers].filter(([, { at }]) => at <= until).toSorted(([, left], [, right]) => left.at - right.at)[0];

  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason);
          return;
        }
        const abort = (): void => {
          disarm();
          reject(signal?.reason);
        };
        const disarm = arm(ms, () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        signal?.addEventListener('abort', abort, { once: true });
      }),
    deadline: (ms, reason, parent) => {
      const own = new AbortController();
      const clear = arm(ms, () => own.abort(reason()));
      const signal = parent ? AbortSignal.any([own.signal, parent]) : own.signal;
      return { signal, clear, [Symbol.dispose]: clear };
    },
    advance: async (ms) => {
      const until = elapsed + ms;
      await letOthersRun();
      for (let due = next(until); due; due = next(until)) {
        const [id, { at, fire }] = due;
        timers.delete(id);
        elapsed = at;
        fire();
        await letOthersRun();
      }
      elapsed = until;
    },
    get pending() {
      return timers.size;
    },
  };
}

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** One turn of the event loop: every promise that can settle now does. */
async function letOthersRun(): Promise<void> {
  await setImmediate();
}
