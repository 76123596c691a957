import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Reads a stream with a short pause after each chunk, slower than a program that nobody holds back would write. A host that
 * stalls only makes it slower, so it can hide a fault and never fail a correct program.
 */
export async function readSlowly(stream: Readable, onChunk: (chunk: Buffer) => void | Promise<void>): Promise<void> {
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    await onChunk(chunk);
    await sleep(2);
  }
}
