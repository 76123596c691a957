import type { Readable } from 'node:stream';

const LIMIT = 64 * 1024;

/** Keeps the last 64 KiB of a machine's output, without its token. The server never prints it. */
export interface ConsoleBuffer {
  read(stream: Readable): void;
  text(): string;
}

export function createConsoleBuffer(token: string): ConsoleBuffer {
  // Redaction misses a token that the limit cuts in half, so keep room for one more token in front.
  const room = LIMIT + token.length;
  let kept = Buffer.alloc(0);
  return {
    read: (stream) => {
      stream.on('data', (chunk: Buffer) => {
        kept = Buffer.concat([kept, chunk.subarray(-room)]).subarray(-room);
      });
      stream.on('error', () => {});
    },
    text: () => kept.toString('utf8').replaceAll(token, '[token]').slice(-LIMIT),
  };
}
