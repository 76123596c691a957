import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { type KeyRing } from '@sallyport/core/key-ring';

import type { TokenKeys } from '../auth/user-token.ts';
import { openDirectoryKeyRing } from './directory-key-ring.ts';
import { assertKeysPresent, createMasterKey, listMasterKeys, masterKeyDirectory } from './master-key-files.ts';

export interface OpenMasterKeysOptions {
  /** The keys lie in `master-keys/` below it. */
  readonly dataDirectory: string;
  /** Ids of the keys that stored credentials are sealed under; see `CredentialStore.keysInUse`. */
  readonly inUse: readonly string[];
  /** Milliseconds since the epoch: the date becomes part of a new key's id. */
  readonly now: number;
  /** Called when a key that was added later cannot be used. Default: ignores it. */
  readonly onProblem?: (error: unknown) => void;
}

export interface OpenedMasterKeys {
  readonly keyRing: KeyRing;
  readonly tokenKeys: TokenKeys;
  /** Id of the key that new credentials are sealed under. */
  readonly current: string;
  /** To be shown once: a key was made and has to be backed up. */
  readonly notice?: string;
}

/**
 * Opens the key ring of this host: one file for each key, named by its id. The last id in order of the alphabet is
 * the current one, so putting a file with a later name there begins a rotation, also while the server runs. Makes the
 * first key at first start, and never one in place of a key that is missing.
 */
export async function openMasterKeys(options: OpenMasterKeysOptions): Promise<OpenedMasterKeys> {
  const { dataDirectory, inUse, now, onProblem = () => undefined } = options;
  const directory = masterKeyDirectory(dataDirectory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const found = await listMasterKeys(directory);
  assertKeysPresent(found, inUse);
  if (found.ids.length > 0) return openDirectoryKeyRing(directory, onProblem);
  if (found.next.length > 0) {
    throw new SallyportError('CONFIG_INVALID', `${directory} has no master key but ${found.next.join(', ')}.next.`, {
      hint: 'Copy the current master key from another server. If the new one is on all servers, run `sallyport master-key rotate --copied` here.',
    });
  }
  const made = join(directory, await createMasterKey(found, { now }));
  return {
    ...(await openDirectoryKeyRing(directory, onProblem)),
    notice: `Made the master key ${made}. Back it up now, apart from the database: without it no stored credential can be opened.`,
  };
}
