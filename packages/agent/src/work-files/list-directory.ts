import { existsSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

import type { AgentDirectory, WorkDirectoryRequest, WorkEntry } from '@sallyport/core/protocol';

import { openBeneath, refused } from './open-beneath.ts';

/** A page of a directory of `~/work`. However many entries it has, two pages of names are kept. */
export async function listDirectory(
  work: string,
  { path, after, limit }: WorkDirectoryRequest,
): Promise<AgentDirectory> {
  // No CLI has run here yet.
  if (path === '' && !existsSync(work)) return { entries: [], hasMore: false };
  const handle = await openBeneath(work, path);
  try {
    if (!(await handle.stat()).isDirectory()) throw refused(path, 'is not a directory');
    // By its descriptor, so that nothing else is listed if it is replaced meanwhile.
    const directory = process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : join(work, path);
    const names = await firstNames(directory, after, limit + 1);
    const entries: WorkEntry[] = [];
    for (const name of names.slice(0, limit)) {
      const facts = await lstat(join(directory, name)).catch(() => undefined);
      // Removed meanwhile, or its name is not UTF-8.
      if (facts) entries.push(describe(name, facts));
    }
    return { entries, hasMore: names.length > limit };
  } finally {
    await handle.close();
  }
}

/** The first names behind `after`, in order. */
async function firstNames(directory: string, after: string | undefined, count: number): Promise<readonly string[]> {
  let names: string[] = [];
  for await (const { name } of await opendir(directory)) {
    if (after !== undefined && name <= after) continue;
    names.push(name);
    if (names.length >= 2 * count) names = firstOf(names, count);
  }
  return firstOf(names, count);
}

function firstOf(names: readonly string[], count: number): string[] {
  return names.toSorted().slice(0, count);
}

function describe(name: string, facts: Stats): WorkEntry {
  const type = facts.isFile() ? 'file' : facts.isDirectory() ? 'directory' : facts.isSymbolicLink() ? 'link' : 'other';
  return { name, type, size: facts.isFile() ? facts.size : 0, modifiedAt: Math.trunc(facts.mtimeMs) };
}
