/** A list that grows while it is read, by any number of readers, each from its beginning. */
export interface EventFeed<Event> {
  push(event: Event): void;
  /** Nothing more comes: readers end after what there is. */
  end(): void;
  read(signal: AbortSignal): AsyncGenerator<Event>;
}

export function createEventFeed<Event>(): EventFeed<Event> {
  const events: Event[] = [];
  const readers = new Set<() => void>();
  let ended = false;
  const wakeAll = (): void => {
    for (const wake of readers) wake();
  };
  return {
    push: (event) => {
      events.push(event);
      wakeAll();
    },
    end: () => {
      ended = true;
      wakeAll();
    },
    read: async function* (signal) {
      for (let next = 0; ;) {
        signal.throwIfAborted();
        const event = events[next];
        if (event !== undefined) {
          next += 1;
          yield event;
          continue;
        }
        if (ended) return;
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            readers.delete(wake);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          readers.add(wake);
          signal.addEventListener('abort', wake, { once: true });
        });
      }
    },
  };
}
