/** Runs work items one at a time, in order of submission. A failed item does not stop the next one. */
export type SerialQueue = <T>(work: () => Promise<T>) => Promise<T>;

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** A serial queue per name: work under the same name runs one at a time, and different names are independent. */
export interface SerialQueues {
  enqueue<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Whether work under this name is running or waiting. */
  isBusy(name: string): boolean;
  names(): readonly string[];
}

export function createSerialQueues(): SerialQueues {
  const lines = new Map<string, { readonly line: SerialQueue; waiting: number }>();
  return {
    enqueue: async (name, work) => {
      const entry = lines.get(name) ?? { line: createSerialQueue(), waiting: 0 };
      lines.set(name, entry);
      entry.waiting += 1;
      try {
        return await entry.line(work);
      } finally {
        entry.waiting -= 1;
        if (entry.waiting === 0) lines.delete(name);
      }
    },
    isBusy: (name) => lines.has(name),
    names: () => [...lines.keys()],
  };
}

/**
 * Returns the outcome of the work, or rejects when the signal aborts, whichever is first. After an abort the work
 * continues unobserved.
 */
export function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
