import type { Page } from 'playwright-core';

export interface RecordedBody {
  readonly where: string;
  content(): string | Uint8Array;
}

/** Keeps every answer of the server that this process gets: headers, bodies, streams. Ends when told. */
export function recordFetches(origin: () => string, into: RecordedBody[]): () => void {
  const original = globalThis.fetch;
  globalThis.fetch = async (...asked) => {
    const response = await original(...asked);
    if (!addressOf(asked[0]).startsWith(origin())) return response;
    const where = `${asked[1]?.method ?? 'GET'} ${addressOf(asked[0])} (${response.status})`;
    const headers = JSON.stringify([...response.headers]);
    const parts: Uint8Array[] = [];
    into.push({ where, content: () => Buffer.concat([Buffer.from(headers), ...parts]) });
    if (!response.body) return response;
    const keep = new TransformStream<Uint8Array, Uint8Array>({
      transform(part, controller) {
        parts.push(part);
        controller.enqueue(part);
      },
    });
    return new Response(response.body.pipeThrough(keep), response);
  };
  return () => {
    globalThis.fetch = original;
  };
}

function addressOf(asked: string | URL | Request): string {
  return asked instanceof Request ? asked.url : String(asked);
}

/** The same for what a page gets, the frames of its WebSockets and its console included. */
export function recordPage(page: Page, into: RecordedBody[]): void {
  const keep = (where: string, content: string | Uint8Array): void => void into.push({ where, content: () => content });
  page.on('response', async (response) => {
    const where = `${response.request().method()} ${response.url()} in the page`;
    keep(`the headers of ${where}`, JSON.stringify(response.headers()));
    // A stream that the page left has no body any more.
    const content = await response.body().catch(() => undefined);
    if (content) keep(where, content);
  });
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => keep(`a frame of ${socket.url()}`, payload));
  });
  page.on('console', (message) => keep('the console of the page', message.text()));
}
