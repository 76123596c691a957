import { chmod, lchown, lstat, opendir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode } from './safe-directory.ts';

/** Removes a machine's directory with everything in it. Links are removed, not followed. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!hasCode(error, 'EACCES') && !hasCode(error, 'EPERM') && !hasCode(error, 'ENOTEMPTY')) {
      throw error;
    }
    // Directories without write permission, as module caches make them: only root may empty these as they are.
    await eachDirectory(path, (folder) => chmod(folder, 0o700));
    await rm(path, { recursive: true, force: true });
  }
}

/** Gives everything below to another user. Files with a second name elsewhere keep their owner. */
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
