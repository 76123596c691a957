import type { IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/** Why a body could not be read, as an HTTP status (RFC 9110 §15.5). */
export class UnreadableBody extends Error {
  readonly status: 400 | 413 | 415;

  constructor(status: 400 | 413 | 415, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'UnreadableBody';
    this.status = status;
  }
}

const longestBody = 16 * 1024 * 1024;

/** Reads a request body and takes its content encodings off. Codex sends its prompts as zstd. */
export async function readRequestBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestBody) throw new UnreadableBody(413, `The body is longer than ${longestBody} bytes.`);
    chunks.push(chunk);
  }
  const encodings = (request.headers['content-encoding'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity');
  // Listed in the order they were applied (RFC 9110 §8.4), so they come off from the right.
  return encodings.reduceRight(decode, Buffer.concat(chunks)).toString('utf8');
}

function decode(body: Buffer, encoding: string): Buffer {
  const decoder = decoders[encoding];
  if (!decoder) throw new UnreadableBody(415, `The content encoding ${encoding} is not known.`);
  try {
    return decoder(body, { maxOutputLength: longestBody });
  } catch (error) {
    throw new UnreadableBody(400, `The body is not valid ${encoding}.`, error);
  }
}

const decoders: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};
