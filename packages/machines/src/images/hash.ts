import { createHash } from 'node:crypto';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { ImageFacts } from './image.ts';

/** SHA-256 over names, kinds and contents of a tree of ordinary files; the order of a directory plays no part. */
export async function hashTree(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(directory, { recursive: true })).toSorted();
  for (const name of names) {
    const path = join(directory, name);
    const facts = await lstat(path);
    if (!facts.isFile()) continue;
    const runs = (facts.mode & 0o100) !== 0;
    hash.update(JSON.stringify([name, runs, (await readFile(path)).toString('base64')]));
  }
  return hash.digest('hex');
}

/** SHA-256 of a value as JSON. */
export function hashValue(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/** SHA-256 of an image: over the names and hashes of its files, which the store compares with their bytes. */
export function hashImage({ files }: Pick<ImageFacts, 'files'>): string {
  return hashValue(Object.entries(files).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
