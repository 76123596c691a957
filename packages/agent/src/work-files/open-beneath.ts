import { constants } from 'node:fs';
import { open, readlink, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

/**
 * Opens a file or directory of `~/work` for reading. Throws `FILE_UNKNOWN`, and `FILE_REFUSED` where a symbolic link is on
 * the way, even one that a CLI puts there meanwhile: it could lead to what the agent may read and that CLI may not.
 */
export async function openBeneath(work: string, path: string): Promise<FileHandle> {
  const root = await realpath(work).catch(() => work);
  const expected = path === '' ? root : join(root, path);
  const handle = await openFile(expected, path);
  try {
    if ((await pathOf(handle, expected)) === expected) return handle;
    throw refused(path, 'lies behind a symbolic link, which is not followed');
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export function refused(path: string, why: string): SallyportError {
  return new SallyportError('FILE_REFUSED', `${nameOf(path)} ${why}.`);
}

/** `~/work/a/b`, as users know it. */
export function nameOf(path: string): string {
  return path === '' ? '~/work' : `~/work/${path}`;
}

async function openFile(file: string, path: string): Promise<FileHandle> {
  try {
    // O_NONBLOCK: opening a FIFO would wait for a program to write to it.
    return await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new SallyportError('FILE_UNKNOWN', `There is no ${nameOf(path)} on this machine.`);
    if (code === 'ELOOP') throw refused(path, 'is a symbolic link, which is not followed');
    if (code === 'ENXIO') throw refused(path, 'is not a regular file');
    throw refused(path, `cannot be read (${String(code ?? error)})`);
  }
}

/** Where an open file lies: the kernel knows it on Linux. Elsewhere, links are looked for by its name. */
async function pathOf(handle: FileHandle, file: string): Promise<string> {
  return process.platform === 'linux' ? readlink(`/proc/self/fd/${handle.fd}`) : realpath(file);
}
