import type { ServerResponse } from 'node:http';

import type { Clock } from '@sallyport/core';

/** A stream of server-sent events (WHATWG HTML §9.2). */
export interface EventStream {
  /** Resolves when the receiver has room again, or is gone. */
  send(data: unknown, id?: number): Promise<void>;
  /** Bytes that wait for a receiver who does not read. */
  readonly waiting: number;
  end(): void;
}

/** Often enough that neither end takes a quiet stream for a dead one. */
const HEARTBEAT_MS = 15_000;

/** Starts the answer. The signal aborts when the receiver is gone. */
export function openEventStream(response: ServerResponse, clock: Clock, signal: AbortSignal): EventStream {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
  response.flushHeaders();
  const over = new AbortController();
  response.once('close', () => over.abort());
  const beat = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(HEARTBEAT_MS, over.signal);
      response.write(': still here\n\n');
    }
  };
  // Ends by the signal alone.
  void beat().catch(() => {});

  let blocked: Promise<void> | undefined;

  return {
    get waiting() {
      return response.writableLength;
    },
    send: async (data, id) => {
      if (signal.aborted || response.destroyed) return;
      const text = `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
      if (response.write(text)) return;
      // One pair of listeners, however many events wait for the same room.
      blocked ??= room(response).finally(() => (blocked = undefined));
      await blocked;
    },
    end: () => void response.end(),
  };
}

function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
    if (response.destroyed) done();
  });
}
