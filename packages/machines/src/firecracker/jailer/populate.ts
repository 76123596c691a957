import { chmod, chown, copyFile, constants, link, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import type { JailLayout } from './layout.ts';

/** A file that the machine is to find in its jail. */
export interface JailedFile {
  readonly from: string;
  /** As the jailed process names it. */
  readonly to: string;
  /** Belongs to the machine alone. Others are shared with other machines: it can read them, and not change them. */
  readonly own: boolean;
}

/**
 * Makes a jail and puts into it, under other names, what the machine is to find there. The jailer would move into a
 * directory that is there already, with all that an earlier machine left in it; this refuses it and touches nothing.
 */
export async function populateJail(layout: JailLayout, files: readonly JailedFile[], user: number): Promise<void> {
  await mkdir(dirname(layout.directory), { recursive: true, mode: 0o755 });
  try {
    await mkdir(layout.directory, { mode: 0o700 });
  } catch (cause) {
    throw new SallyportError('MACHINE_FAILED', `The jail ${layout.directory} cannot be made.`, {
      hint: 'Where it exists, an earlier machine left it: see what is in it, end what runs in it, and remove it.',
      cause,
    });
  }
  try {
    await mkdir(layout.root, { mode: 0o700 });
    for (const { from, to, own } of files) {
      const path = join(layout.root, to);
      // Its directories stay ours: the machine passes through them and puts nothing there.
      await mkdir(dirname(path), { recursive: true, mode: 0o711 });
      await place(from, path, own);
      if (own) {
        await chown(path, user, user);
        await chmod(path, 0o600);
      }
    }
  } catch (error) {
    await rm(layout.directory, { recursive: true, force: true });
    throw error;
  }
}

/** What a machine writes must be the file itself; of what it only reads, a copy on another file system will do. */
async function place(from: string, path: string, own: boolean): Promise<void> {
  try {
    await link(from, path);
  } catch (error) {
    if (own || !(error instanceof Error && 'code' in error && error.code === 'EXDEV')) {
      throw error;
    }
    await copyFile(from, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}
