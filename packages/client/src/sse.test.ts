import { describe, expect, it } from 'vitest';

// By its path: the test kit is for Node, and this package for browsers too.
import { countScanned } from '../../testkit/src/count-scanned.ts';
import { readEvents } from './sse.ts';

describe('the reader of server-sent events', () => {
  const stream =
    ': hello\n\nid: 1\ndata: {"text":"é"}\n\nid: 2\r\ndata: one\r\ndata: two\r\n\r\ndata:three\n\nid: 4\ndata: cut';

  async function read(chunkSize: number, whole = stream) {
    const bytes = new TextEncoder().encode(whole);
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        for (let at = 0; at < bytes.length; at += chunkSize) controller.enqueue(bytes.slice(at, at + chunkSize));
        controller.close();
      },
    });
    const events: unknown[] = [];
    for await (const event of readEvents(body)) events.push(event);
    return events;
  }

  it('looks at each character of a long line a few times at most, in chunks of one byte', async () => {
    const line = `data: ${'x'.repeat(20_000)}`;
    const scanned = await countScanned(async () => {
      expect(await read(1, `${line}\n\n`)).toHaveLength(1);
    });
    expect(scanned).toBeLessThan(10 * line.length);
  });

  it.each([1, 2, 3, 1_000])('gives whole events with their ids, in pieces of %i bytes', async (size) => {
    expect(await read(size)).toEqual([
      { id: '1', data: '{"text":"é"}' },
      { id: '2', data: 'one\ntwo' },
      { id: '2', data: 'three' },
    ]);
  });
});
