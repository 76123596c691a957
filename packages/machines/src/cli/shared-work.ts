export interface SharedWorkOptions {
  readonly signal: AbortSignal;
  onProgress(message: string, fraction?: number): void;
}

export interface SharedWork<T> {
  /** Joins the work under this name, or begins it. It goes on until it ends or the last one has left. */
  join(
    name: string,
    caller: SharedWorkOptions,
    begin: (signal: AbortSignal, onProgress: (message: string, fraction?: number) => void) => Promise<T>,
  ): Promise<T>;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  readonly callers: Set<SharedWorkOptions>;
}

/** The same work for several callers at once, done once. */
export function createSharedWork<T>(): SharedWork<T> {
  const flights = new Map<string, Flight<T>>();
  return {
    join: async (name, caller, begin) => {
      caller.signal.throwIfAborted();
      let flight = flights.get(name);
      if (!flight) {
        const abort = new AbortController();
        const callers = new Set<SharedWorkOptions>();
        const tellAll = (message: string, fraction?: number): void => {
          for (const each of callers) {
            each.onProgress(message, fraction);
          }
        };
        const begun: Flight<T> = {
          abort,
          callers,
          result: begin(abort.signal, tellAll).finally(() => flights.delete(name)),
        };
        begun.result.catch(() => {});
        flights.set(name, begun);
        flight = begun;
      }
      return leaveOnAbort(flight, caller);
    },
  };
}

async function leaveOnAbort<T>(flight: Flight<T>, caller: SharedWorkOptions): Promise<T> {
  const entry: SharedWorkOptions = { signal: caller.signal, onProgress: (...told) => caller.onProgress(...told) };
  flight.callers.add(entry);
  let leave = (): void => {};
  const left = new Promise<never>((_resolve, reject) => {
    leave = () => reject(caller.signal.reason);
    caller.signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([flight.result, left]);
  } finally {
    caller.signal.removeEventListener('abort', leave);
    flight.callers.delete(entry);
    if (flight.callers.size === 0) {
      flight.abort.abort(caller.signal.reason);
    }
  }
}
