import { resolve } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { claimDirectory } from './directory-claim.ts';
import { explainFileError } from './file-error.ts';
import { ownDirectory } from './own-directory.ts';

/** The directory that holds everything a server keeps. One server at a time. */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  /** Lets another server have it. A process that ends, however, does the same. */
  readonly release: () => Promise<void>;
}

/**
 * Makes the directory, for us alone, and claims it. Throws `CONFIG_DATA_DIR_BUSY` while another server has it, and
 * `CONFIG_INVALID` if the file system refuses or the directory holds what is not ours.
 */
export async function openDataDirectory(directory: string): Promise<DataDirectory> {
  const path = resolve(directory);
  await ownDirectory(path);
  const claimed = await claim(path);
  if ('release' in claimed) return { path, release: claimed.release };
  throw new SallyportError('CONFIG_DATA_DIR_BUSY', `Another server (pid ${claimed.holder}) is using ${path}.`, {
    details: { pid: claimed.holder, directory: path },
  });
}

async function claim(path: string): Promise<Awaited<ReturnType<typeof claimDirectory>>> {
  try {
    return await claimDirectory(path);
  } catch (error) {
    throw SallyportError.isInstance(error) ? error : explainFileError(path, error);
  }
}
