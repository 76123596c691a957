import { chmod, lchown, lstat, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode } from './safe-directory.ts';

/** Removes a machine's directory and its contents. Does not follow symlinks. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EACCES') && !hasCode(error, 'EPERM') && !hasCode(error, 'ENOTEMPTY')) {
      throw error;
    }
    // Only root can empty read-only directories, such as those of module caches.
    await eachDirectory(path, (folder) => chmod(folder, 0o700));
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

async function eachDirectory(path: string, change: (folder: string) => Promise<void>): Promise<void> {
  await change(path);
  for await (const entry of await opendir(path)) {
    if (entry.isDirectory()) {
      await eachDirectory(join(path, entry.name), change);
    }
  }
}
