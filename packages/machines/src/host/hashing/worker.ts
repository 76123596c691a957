/** The thread of `digestFile`: hashes the file named by its data, posts a `FileDigest`, and ends. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

const hash = createHash('sha256');
const buffer = Buffer.allocUnsafe(1024 * 1024);
const file = openSync(String(workerData), 'r');
let bytes = 0;
// Reading the memory in order is also what brings it into the page cache, where a wake wants it.
for (;;) {
  const read = readSync(file, buffer);
  if (read === 0) break;
  hash.update(buffer.subarray(0, read));
  bytes += read;
}
closeSync(file);
parentPort?.postMessage({ bytes, sha256: hash.digest('hex') }, []);
