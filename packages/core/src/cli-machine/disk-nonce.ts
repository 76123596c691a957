import { randomBytes } from 'node:crypto';

import type { PlacedFile } from '../contracts/credential-files.ts';

/**
 * A random number that each lease writes to the machine's disk, beside the credential. When the disk is read again, the
 * number has to be there: otherwise somebody restored the disk from a copy, or it belongs to another machine, and its refresh
 * token may be one that was used up after the copy was made. Compared for equality only, since a guest can write its own disk.
 */
export const DISK_NONCE_PATH = '~/.sallyport-lease';

export function newDiskNonce(): { readonly value: string; readonly file: PlacedFile } {
  const value = randomBytes(16).toString('hex');
  return { value, file: { path: DISK_NONCE_PATH, content: value, mode: 0o600 } };
}

/** Whether files harvested from a disk, this one among them, are what the holder of a lease ran with. */
export function isDiskOfLease(files: readonly PlacedFile[], expected: string | undefined): boolean {
  return expected === undefined || files.find(({ path }) => path === DISK_NONCE_PATH)?.content === expected;
}
