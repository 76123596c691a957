import { randomBytes } from 'node:crypto';

import type { PlacedFile } from '../contracts/credential-files.ts';

/**
 * A random number that each lease writes to the machine's disk next to the credential. It must be there when the disk
 * is read again. If not, the disk was restored from a copy or belongs to another machine, and its refresh token may
 * be spent. Compared for equality only, since a guest can write its own disk.
 */
export const DISK_NONCE_PATH = '~/.sallyport-lease';

export function newDiskNonce(): { readonly value: string; readonly file: PlacedFile } {
  const value = randomBytes(16).toString('hex');
  return { value, file: { path: DISK_NONCE_PATH, content: value, mode: 0o600 } };
}

/** Whether the files harvested from a disk, including this one, are those that the lease holder ran with. */
export function isDiskOfLease(files: readonly PlacedFile[], expected: string | undefined): boolean {
  return expected === undefined || files.find(({ path }) => path === DISK_NONCE_PATH)?.content === expected;
}
