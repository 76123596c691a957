import { SallyportError } from '@sallyport/core';
import type { JournalEntry } from '@sallyport/core';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Streams a journal as server-sent events: the entry's id is the event's id, so that `Last-Event-ID` resumes it. */
export async function streamJournal<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  follow: (afterId: number, signal: AbortSignal) => AsyncGenerator<JournalEntry<T>>,
): Promise<void> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  reply.header('cache-control', 'no-cache, no-transform').header('x-accel-buffering', 'no');
  await reply.sse.send(messages(follow(lastEventId(request), gone.signal), gone.signal));
}

async function* messages<T>(entries: AsyncGenerator<JournalEntry<T>>, gone: AbortSignal): AsyncGenerator<{ id: string; data: T }> {
  try {
    for await (const entry of entries) yield { id: String(entry.id), data: entry.event };
  } catch (error) {
    if (!gone.aborted) throw error;
  }
}

export function lastEventId(request: FastifyRequest): number {
  const given = request.headers['last-event-id'];
  if (given === undefined || given === '') return 0;
  const id = Number(given);
  if (!Number.isSafeInteger(id) || id < 0) throw new SallyportError('REQUEST_INVALID', 'Last-Event-ID is not an id of this stream.', { hint: 'Leave the header out to read from the beginning.' });
  return id;
}
