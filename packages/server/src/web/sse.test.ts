import { describe, expect, it } from 'vitest';

import { readEvents } from './sse.ts';

describe('the reader of server-sent events', () => {
  const stream =
    ': hello\n\nid: 1\ndata: {"text":"é"}\n\nid: 2\r\ndata: one\r\ndata: two\r\n\r\ndata:three\n\nid: 4\ndata: cut';

  async function read(chunkSize: number) {
    const bytes = new TextEncoder().encode(stream);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        for (let at = 0; at < bytes.length; at += chunkSize) controller.enqueue(bytes.slice(at, at + chunkSize));
        controller.close();
      },
    });
    return await Array.fromAsync(readEvents(body));
  }

  it.each([1, 2, 3, 1_000])('gives whole events with their ids, in pieces of %i bytes', async (size) => {
    expect(await read(size)).toEqual([
      { id: '1', data: '{"text":"é"}' },
      { id: '2', data: 'one\ntwo' },
      { id: '2', data: 'three' },
    ]);
  });
});
