/** Places in line for ports: a request for a port that another has, or waits for, comes after it. */
export interface PortQueue {
  /** Resolves, with a way to give the ports back, when it is this one's turn. */
  take(ports: readonly number[], options: { readonly signal: AbortSignal; onWait(): void }): Promise<() => void>;
}

interface Place {
  readonly ports: readonly number[];
  /** Starts the turn; harmless when repeated. */
  admit(): void;
}

export function createPortQueue(): PortQueue {
  const places: Place[] = [];

  function isFirst(place: Place): boolean {
    const ahead = places.slice(0, places.indexOf(place));
    return !ahead.some((other) => other.ports.some((port) => place.ports.includes(port)));
  }

  function leave(place: Place): void {
    const index = places.indexOf(place);
    if (index >= 0) {
      places.splice(index, 1);
    }
    for (const next of places.filter(isFirst)) {
      next.admit();
    }
  }

  return {
    take: (ports, { signal, ...options }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const abort = (): void => {
          leave(place);
          reject(signal.reason);
        };
        const place: Place = {
          ports,
          admit: () => {
            signal.removeEventListener('abort', abort);
            resolve(() => leave(place));
          },
        };
        places.push(place);
        signal.addEventListener('abort', abort, { once: true });
        if (isFirst(place)) {
          place.admit();
        } else {
          options.onWait();
        }
      }),
  };
}
