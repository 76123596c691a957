/** Runs work one piece after the other, in the order it was handed in. A piece that fails does not stop the next. */
export type SerialQueue = <T>(work: () => Promise<T>) => Promise<T>;

export function createSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** A line for each name: work under one name takes turns, work under another does not wait for it. */
export interface SerialQueues {
  enqueue<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Whether work under this name is under way or waits. */
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

/** The outcome of the work, or the reason of the signal, whichever is first. The work goes on unobserved then. */
export function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
