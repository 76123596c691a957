import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { SallyportError } from '@sallyport/core';
import { MAX_WORK_FILE_BYTES } from '@sallyport/core/protocol';

import { nameOf, openBeneath, refused } from './open-beneath.ts';

/**
 * Answers with a regular file of `~/work`, of the size that it has now: what is written to it meanwhile is left out, and
 * the answer is cut where it has become shorter.
 */
export async function sendFile(work: string, path: string, response: ServerResponse): Promise<void> {
  const handle = await openBeneath(work, path);
  try {
    const facts = await handle.stat();
    if (!facts.isFile()) throw refused(path, 'is not a regular file');
    const { size } = facts;
    if (size > MAX_WORK_FILE_BYTES)
      throw new SallyportError(
        'FILE_TOO_LARGE',
        `${nameOf(path)} has ${size} bytes; at most ${MAX_WORK_FILE_BYTES} are read.`,
      );
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': size,
      'cache-control': 'no-store',
    });
    const body = size === 0 ? Readable.from([]) : handle.createReadStream({ end: size - 1, autoClose: false });
    let sent = 0;
    body.on('data', (chunk: Buffer) => (sent += chunk.length));
    await pipeline(body, response, { end: false });
    if (sent === size) response.end();
    else response.destroy();
  } finally {
    await handle.close();
  }
}
