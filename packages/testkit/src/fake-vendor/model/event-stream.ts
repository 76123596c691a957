import type { ServerResponse } from 'node:http';

import type { Clock } from '@sallyport/core';

/** One server-sent event, as text, and whether a pause follows it. */
export interface StreamedEvent {
  readonly event?: string;
  /** Sent as JSON, or as it is where it is `raw`. */
  readonly data: unknown;
  readonly raw?: boolean;
  /** A word of the answer: the next one comes after the pause. */
  readonly word?: boolean;
}

export interface StreamPace {
  readonly clock: Clock;
  readonly wordDelayMs: number;
  /** Bytes per write, with a short pause between; `null` for whole events. */
  readonly slowBytes: number | null;
}

/** Streams an answer the way model APIs do (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export async function streamEvents(
  response: ServerResponse,
  events: readonly StreamedEvent[],
  { clock, wordDelayMs, slowBytes }: StreamPace,
): Promise<void> {
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  try {
    for (const { event, data, raw = false, word = false } of events) {
      const name = event === undefined ? '' : `event: ${event}\n`;
      const bytes = Buffer.from(`${name}data: ${raw ? String(data) : JSON.stringify(data)}\n\n`);
      const size = slowBytes ?? bytes.length;
      for (let offset = 0; offset < bytes.length; offset += size) {
        response.write(bytes.subarray(offset, offset + size));
        if (slowBytes !== null) await clock.sleep(5, gone.signal);
      }
      if (word && wordDelayMs > 0) await clock.sleep(wordDelayMs, gone.signal);
    }
    response.end();
  } catch (error) {
    // The CLI hung up in the middle of the answer: nobody is left to be told.
    if (!gone.signal.aborted) throw error;
  }
}

/** A text in the pieces a model streams. Joined, they are the text. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
