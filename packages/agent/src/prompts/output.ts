import type { Readable } from 'node:stream';

import type { Clock } from '@sallyport/core';

import { createLineSplitter, LONGEST_LINE } from '../lines/line-splitter.ts';
import type { Line } from '../lines/line-splitter.ts';

export type OutputStream = 'stdout' | 'stderr';

/** What a process prints goes to one receiver at a time. */
export interface OutputReceiver {
  /** Bytes after which nothing more is read. */
  readonly limit: number;
  readonly onLimit: () => void;
  /** Takes a line. Resolves when there is room for the next. */
  take(from: OutputStream, line: Line): Promise<void>;
}

export interface Output {
  /** The next lines go to this receiver, and its limit counts from here. Nothing is read before the first. */
  receive(receiver: OutputReceiver): void;
  /** Lines of standard output so far, for all receivers together. One that is being taken counts. */
  readonly printed: number;
  /**
   * Waits for the rest of the output of a process that has ended. `giveUp` is called when nothing came for a while and no
   * line is being taken: something that the process started still holds the pipe.
   */
  drained(clock: Clock, giveUp: () => Promise<void>): Promise<void>;
}

/** How long the output may stay open behind a CLI that has ended. */
const LINGER_MS = 500;

/** Reads what a process prints, never faster than its receiver takes it. */
export function readOutput(stdout: Readable, stderr: Readable): Output {
  let receiver: OutputReceiver | undefined;
  let bytes = 0;
  let printed = 0;
  let taking = 0;
  let progress = 0;
  let ended: Promise<unknown> | undefined;

  const deliver = async (from: OutputStream, lines: readonly Line[]): Promise<void> => {
    for (const line of lines) {
      taking += 1;
      if (from === 'stdout') printed += 1;
      try {
        await receiver?.take(from, line);
      } finally {
        taking -= 1;
        progress += 1;
      }
    }
  };
  const pump = async (from: OutputStream, source: Readable): Promise<void> => {
    const splitter = createLineSplitter(LONGEST_LINE);
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        progress += 1;
        if (receiver && bytes > receiver.limit) {
          receiver.onLimit();
          return;
        }
        await deliver(from, splitter.push(chunk));
      }
      await deliver(from, splitter.end());
    } catch {
      // The stream was closed because the run is over; the exit event says why.
    }
  };
  return {
    get printed() {
      return printed;
    },
    receive: (next) => {
      receiver = next;
      bytes = 0;
      ended ??= Promise.all([pump('stdout', stdout), pump('stderr', stderr)]);
    },
    drained: async (clock, giveUp) => {
      const over = new AbortController();
      void Promise.resolve(ended).finally(() => over.abort());
      while (!over.signal.aborted) {
        const before = progress;
        await clock.sleep(LINGER_MS, over.signal).catch(() => {});
        if (!over.signal.aborted && taking === 0 && progress === before) await giveUp();
      }
    },
  };
}
