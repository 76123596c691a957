import type { Readable } from 'node:stream';

const LIMIT = 64 * 1024;

/** The last 64 KiB of what a machine printed, without its token. Never passed on to the server's own output. */
export interface ConsoleBuffer {
  read(stream: Readable): void;
  text(): string;
}

export function createConsoleBuffer(token: string): ConsoleBuffer {
  // A token cut in half by the limit would slip past the redaction: room for one more is kept in front.
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
