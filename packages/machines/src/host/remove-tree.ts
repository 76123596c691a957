import { randomUUID } from 'node:crypto';
import { chmod, lchown, lstat, opendir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode } from './safe-directory.ts';

/** Removes a machine's directory and its contents. Does not follow symlinks. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!OBSTACLES.some((code) => hasCode(error, code))) {
      throw error;
    }
    await makeRemovable(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** Recursively changes the owner. Files with several hard links keep theirs. */
export async function giveTree(path: string, uid: number): Promise<void> {
  await lchown(path, uid, uid);
  for await (const entry of await opendir(path)) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      await giveTree(inner, uid);
    } else if ((await lstat(inner)).nlink === 1) {
      await lchown(inner, uid, uid);
    }
  }
}

const OBSTACLES = ['EACCES', 'EPERM', 'ENOTEMPTY', 'ENAMETOOLONG'] as const;

/** A name has at most 255 bytes, and a path 4095 (path_resolution(7)). */
const LONGEST_PATH = 3800;

/**
 * Only root can empty read-only directories, such as those of module caches. And a program can nest directories so deep
 * that no path reaches the inner ones: those are moved to the top.
 */
async function makeRemovable(path: string): Promise<void> {
  const waiting = [path];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    await chmod(folder, 0o700);
    for await (const entry of await opendir(folder)) {
      if (!entry.isDirectory()) continue;
      const inner = join(folder, entry.name);
      waiting.push(Buffer.byteLength(inner) <= LONGEST_PATH ? inner : await moveToTop(inner, path));
    }
  }
}

async function moveToTop(inner: string, top: string): Promise<string> {
  const target = join(top, randomUUID());
  // A directory that is moved has to be writable, too.
  await chmod(inner, 0o700);
  await rename(inner, target);
  return target;
}
