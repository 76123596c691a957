import type { Readable } from 'node:stream';

import type { Clock, ExecuteEvent } from '@sallyport/core';

import { createLineSplitter, LONGEST_LINE } from '../lines/line-splitter.ts';
import type { Line } from '../lines/line-splitter.ts';

/** Takes one event; resolves when the receiver has room for the next. */
export type SendExecuteEvent = (event: ExecuteEvent) => Promise<void>;

export interface OutputOptions {
  /** Bytes after which the run is ended. */
  readonly limit: number;
  readonly send: SendExecuteEvent;
  readonly onLimit: () => void;
}

/** How long the output may stay open behind a CLI that has ended: something it started still holds it. */
const LINGER_MS = 500;

/** Carries a child's output to the receiver, never faster than it takes it. */
export function createOutput({ limit, send, onLimit }: OutputOptions) {
  let bytes = 0;
  let sending = 0;
  let progress = 0;

  const deliver = async (event: ExecuteEvent): Promise<void> => {
    sending += 1;
    try {
      await send(event);
    } finally {
      sending -= 1;
      progress += 1;
    }
  };
  const deliverAll = async (lines: readonly Line[], toEvent: (line: Line) => ExecuteEvent): Promise<void> => {
    for (const line of lines) {
      const { dropped } = line;
      await deliver({ ...toEvent(line), ...(dropped > 0 && { dropped }) });
    }
  };
  return {
    pump: async (source: Readable, toEvent: (line: Line) => ExecuteEvent): Promise<void> => {
      const splitter = createLineSplitter(LONGEST_LINE);
      try {
        for await (const chunk of source as AsyncIterable<Buffer>) {
          bytes += chunk.length;
          progress += 1;
          if (bytes > limit) {
            onLimit();
            return;
          }
          await deliverAll(splitter.push(chunk), toEvent);
        }
        await deliverAll(splitter.end(), toEvent);
      } catch {
        // The stream was closed because the run is over; the exit event says why.
      }
    },
    /** Waits for the rest of the output. `giveUp` is called when nothing came for a while and nobody is reading. */
    drained: async (pumped: Promise<unknown>, clock: Clock, giveUp: () => Promise<void>): Promise<void> => {
      const over = new AbortController();
      void pumped.finally(() => over.abort());
      while (!over.signal.aborted) {
        const before = progress;
        await clock.sleep(LINGER_MS, over.signal).catch(() => {});
        if (!over.signal.aborted && sending === 0 && progress === before) await giveUp();
      }
    },
  };
}
