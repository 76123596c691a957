import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { hasCode } from './node-error.ts';

/**
 * A directory for unix sockets: the wanted one, or, where its path is too long for a socket address, one below the
 * system's temporary directory whose name follows from the wanted path.
 */
export function socketDirectoryFor(wanted: string, longestName: number): string {
  if (Buffer.byteLength(wanted) + 1 + longestName <= LONGEST_SOCKET_PATH) return wanted;
  const name = createHash('sha256').update(wanted).digest('hex').slice(0, 16);
  return join(tmpdir(), `sallyport-${name}`);
}

/** Makes a directory that only we may use. One that is there already must be ours: anybody may write to `/tmp`. */
export async function makePrivateDirectory(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  const found = await lstat(folder);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return;
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', `${folder} is not a directory that belongs to us alone.`, {
    hint: 'Remove it, or set SALLYPORT_DATA_DIR to a directory with a shorter path.',
  });
}

/** `sun_path` less the terminating zero (unix(7); macOS has four bytes less). */
const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;
