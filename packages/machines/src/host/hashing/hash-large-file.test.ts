import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { hashLargeFile } from './hash-large-file.ts';

let directory: string;
let path: string;
const content = Buffer.alloc(3_000_123, 'memory ');
const digest = { bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-hash-'));
  path = join(directory, 'memory');
  await writeFile(path, content);
});

afterEach(() => rm(directory, { recursive: true }));

it('hashes a file of several pieces in another thread', async () => {
  let threads = 0;
  const count = (): void => void (threads += 1);
  process.on('worker', count);
  try {
    expect(await hashLargeFile(path)).toEqual(digest);
  } finally {
    process.off('worker', count);
  }
  expect(threads).toBe(1);
});

it('hashes an open file whose name is gone', async () => {
  await using file = await open(path, 'r');
  await unlink(path);
  expect(await hashLargeFile(`/proc/self/fd/${file.fd}`)).toEqual(digest);
});

it('rejects for a file that is missing, and when it is aborted', async () => {
  await expect(hashLargeFile(join(directory, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(hashLargeFile(path, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  const stop = new AbortController();
  const hashing = hashLargeFile('/dev/zero', stop.signal);
  stop.abort(new Error('stopped later'));
  await expect(hashing).rejects.toThrow('stopped later');
});
