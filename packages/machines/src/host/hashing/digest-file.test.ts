import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { digestFile } from './digest-file.ts';

let directory: string;
let path: string;
const content = Buffer.alloc(5_000_123, 'memory ');
const digestOf = (bytes: Buffer) => ({
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});
const digest = digestOf(content);

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-hash-'));
  path = join(directory, 'memory');
  await writeFile(path, content);
});

afterEach(() => rm(directory, { recursive: true }));

it.each([
  ['of several pieces in another thread', content, 1],
  ['of a megabyte where it is asked for, since a thread takes longer to start', content.subarray(0, 1_000_123), 0],
  ['that is empty', Buffer.alloc(0), 0],
])('hashes a file %s', async (_, bytes, expected) => {
  await writeFile(path, bytes);
  let threads = 0;
  const count = (): void => void (threads += 1);
  process.on('worker', count);
  try {
    expect(await digestFile(path)).toEqual(digestOf(bytes));
  } finally {
    process.off('worker', count);
  }
  expect(threads).toBe(expected);
});

it('hashes an open file whose name is gone', async () => {
  await using file = await open(path, 'r');
  await unlink(path);
  expect(await digestFile(`/proc/self/fd/${file.fd}`)).toEqual(digest);
});

it('rejects for a file that is missing, and when it is aborted', async () => {
  await expect(digestFile(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(digestFile(path, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  const early = new AbortController();
  const refused = digestFile('/dev/zero', early.signal);
  early.abort(new Error('stopped early'));
  await expect(refused).rejects.toThrow('stopped early');
  const stop = new AbortController();
  const started = once(process, 'worker');
  const hashing = digestFile('/dev/zero', stop.signal);
  await started;
  stop.abort(new Error('stopped later'));
  await expect(hashing).rejects.toThrow('stopped later');
});
