/**
 * Time as a dependency. This is the only file with a bare timer, so that tests can use a virtual clock
 * (`@sallyport/testkit`) and every wait can be cancelled.
 */
export interface Clock {
  /** Wall-clock time for records, in milliseconds since the epoch. */
  now(): number;
  /** Monotonic time for deadlines, in milliseconds since an arbitrary start. */
  monotonic(): number;
  /** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Returns a signal that aborts after `ms` milliseconds or with `parent`. `clear` cancels the timer. */
  deadline(ms: number, reason: () => unknown, parent?: AbortSignal): Deadline;
}

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** Cancels the timer. The signal keeps its current state. */
  clear(): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', abort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', abort, { once: true });
    }),
  deadline: (ms, reason, parent) => {
    const own = new AbortController();
    const timer = setTimeout(() => own.abort(reason()), ms);
    const clear = (): void => clearTimeout(timer);
    const signal = parent ? AbortSignal.any([own.signal, parent]) : own.signal;
    return { signal, clear, [Symbol.dispose]: clear };
  },
};

/** Resolves in the next turn of the event loop, after whatever has arrived meanwhile. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
