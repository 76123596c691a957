import { pipeline } from 'node:stream/promises';

import { SallyportError } from '@sallyport/core';
import type { Clock, ResumePoint } from '@sallyport/core';
import type { JournalEntry } from '@sallyport/core/store';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How long a browser waits before it resumes a broken stream. */
const RECONNECT_MS = 1_000;
/** How long a reader may take nothing of what was sent. What the socket holds is all that is kept for it meanwhile. */
const STALL_MS = 60_000;

/** A journal that is followed over HTTP, such as a prompt's. */
export interface StreamedJournal<T> {
  follow(afterId: number, signal: AbortSignal): AsyncGenerator<JournalEntry<T>>;
  resumePoint(eventId: number): Promise<ResumePoint>;
}

export interface StreamOptions {
  readonly clock: Clock;
  /** Id of the last event that the reader has. Default: what its request says. */
  readonly afterId?: number;
}

/**
 * Streams a journal as server-sent events: the entry's id is the event's id, so that `Last-Event-ID` resumes it.
 * A stream that breaks is cut off, which a client can tell from one that ends. `EventSource` cannot: it comes back after
 * either, until it is told by a 204 that there is no more. A reader who takes nothing for a minute is cut off too, and resumes
 * behind the last event that it has.
 */
export async function streamJournal<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  journal: StreamedJournal<T>,
  { clock, afterId = readLastEventId(request) }: StreamOptions,
): Promise<void> {
  const resumePoint = afterId > 0 ? await journal.resumePoint(afterId) : 'more';
  // Behind an event that never comes, a client would wait for ever.
  if (resumePoint === 'unknown') throw notOfThisStream();
  if (resumePoint === 'end') {
    await reply.code(204).send();
    return;
  }
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  reply.headers({
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    // The plugin would promise `keep-alive` to everybody, also to who asked for the connection to be closed.
    connection: reply.raw.shouldKeepAlive ? 'keep-alive' : 'close',
  });
  // At once: a journal may have nothing new for minutes, and heartbeats begin with the headers.
  await reply.sse.send({ data: undefined, retry: RECONNECT_MS });
  try {
    const entries = journal.follow(afterId, gone.signal);
    await pipeline(
      messages(entries, clock, () => reply.raw.destroy()),
      reply.raw,
      { end: false },
    );
  } catch (error) {
    if (!gone.signal.aborted) request.log.error({ err: error }, 'A stream of events broke');
    reply.raw.destroy();
  }
}

/** The next one is asked for when the reader has room for it. */
async function* messages<T>(
  entries: AsyncGenerator<JournalEntry<T>>,
  clock: Clock,
  onStall: () => void,
): AsyncGenerator<string> {
  for await (const { id, event } of entries) {
    using stall = clock.deadline(STALL_MS, () => undefined);
    stall.signal.addEventListener('abort', onStall, { once: true });
    yield `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}

/** 0 if there is none. Throws `REQUEST_INVALID`. */
export function readLastEventId({ headers }: FastifyRequest): number {
  const given = headers['last-event-id'] ?? '';
  if (given === '') return 0;
  const id = Number(given);
  if (typeof given === 'string' && /^\d+$/.test(given) && Number.isSafeInteger(id)) return id;
  throw notOfThisStream();
}

function notOfThisStream(): SallyportError {
  return new SallyportError('REQUEST_INVALID', 'Last-Event-ID is not an id of this stream.', {
    hint: 'Leave the header out to read from the beginning.',
  });
}
