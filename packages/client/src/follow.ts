import { SallyportError, unreachable } from './error.ts';
import { isPassing } from './retry.ts';
import { readEvents } from './sse.ts';
import { waitToRetry } from './wait.ts';

/** An event with its id: kept, it resumes the stream from there. */
export type WithId<Event> = Event & { readonly id: number };

export interface Followed<Event> {
  /** Requests the stream behind the event with this id; 0 is the beginning. */
  readonly open: (afterId: number, signal: AbortSignal) => Promise<Response>;
  readonly isLast: (event: Event) => boolean;
}

export interface FollowOptions {
  /** Id of the last event that is known. Default: 0, from the beginning. */
  readonly after?: number;
  /** Aborting ends the stream with the signal's reason. What is followed goes on at the server. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The events of a stream, each once and in order. A connection that breaks is resumed behind the last event: at once at
 * first, then after a while that grows up to 5 s. Throws what the server says about it, and `UNREACHABLE` once `retries`
 * attempts in a row have brought nothing.
 */
export async function* follow<Event>(
  { open, isLast }: Followed<Event>,
  { after = 0, signal }: FollowOptions,
  retries: number,
): AsyncGenerator<WithId<Event>, void> {
  let lastId = after;
  // Leaving the loop closes the connection.
  const left = new AbortController();
  const leave = (): void => left.abort(signal?.reason);
  signal?.addEventListener('abort', leave, { once: true });
  if (signal?.aborted) leave();
  try {
    for (let failures = 0; ; failures++) {
      await waitToRetry(failures, left.signal);
      let cause: unknown;
      try {
        const response = await open(lastId, left.signal);
        // Nothing comes behind the last event.
        if (response.status === 204 || !response.body) return;
        for await (const { data, id } of readEvents(response.body)) {
          const event: Event = JSON.parse(data);
          lastId = Number(id);
          failures = 0;
          yield Object.assign(Object(event), { id: lastId });
          if (isLast(event)) return;
        }
      } catch (error) {
        left.signal.throwIfAborted();
        // The limit of streams is free again when others end.
        if (error instanceof SallyportError && !isPassing(error) && error.status !== 429) throw error;
        cause = error;
      }
      if (failures >= retries) throw unreachable('The connection to the server was lost.', cause);
    }
  } finally {
    signal?.removeEventListener('abort', leave);
    left.abort();
  }
}
