import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** SHA-256 of a file, in hex, taken on this thread piece by piece. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  // Large pieces: an image is a gigabyte, most of it holes.
  await pipeline(createReadStream(path, { highWaterMark: 4 * 1024 * 1024 }), hash, { ...(signal && { signal }) });
  return hash.digest('hex');
}
