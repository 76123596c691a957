import { chmod, mkdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { claimDirectory } from './directory-claim.ts';

/** The directory that holds everything a server keeps. One server at a time. */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  /** Lets another server have it. A process that ends, however, does the same. */
  readonly release: () => Promise<void>;
}

/** Makes the directory, for us alone, and claims it. Throws `CONFIG_DATA_DIR_BUSY` while another server has it. */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const path = resolve(directory);
  await makeOwn(path);
  const claim = await claimDirectory(path);
  if ('release' in claim) return { path, release: claim.release };
  throw new SallyportError('CONFIG_DATA_DIR_BUSY', `Another server (pid ${claim.holder}) is using ${path}.`, {
    details: { pid: claim.holder, directory: path },
  });
}

async function makeOwn(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const { mode } = await stat(path);
    // The operator decides who may enter (that shows no names). Only we may list or write.
    if ((mode & 0o066) !== 0) await chmod(path, mode & 0o7711);
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `The data directory ${path} cannot be used: ${reason(cause)}.`, {
      hint: 'Set SALLYPORT_DATA_DIR to a directory that you own.',
      cause,
    });
  }
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
