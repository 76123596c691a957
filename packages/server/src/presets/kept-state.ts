import { join } from 'node:path';

import type { Clock, SallyportOptions } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';

import type { TokenKeys } from '../auth/user-token.ts';
import { openFileRollbackGuard } from '../data-directory/file-rollback-guard.ts';
import { openMasterKeys } from '../data-directory/master-key.ts';
import { openServerIdentity } from '../data-directory/server-identity.ts';

export interface KeptStateOptions {
  /** Claimed by this process. */
  readonly dataDirectory: string;
  readonly store: Store;
  readonly clock: Clock;
  /** Called when a master key that was added later cannot be used. */
  readonly onKeyProblem: (error: unknown) => void;
}

export interface KeptState {
  readonly options: Required<Pick<SallyportOptions, 'keyRing' | 'rollbackGuard' | 'host' | 'epochMemory'>>;
  /** Sign user tokens. */
  readonly tokenKeys: TokenKeys;
  /** To be shown once: a master key was made and has to be backed up. */
  readonly notice?: string;
}

/** Opens what a data directory keeps beside the database, and creates it the first time. */
export async function openKeptState(options: KeptStateOptions): Promise<KeptState> {
  const { dataDirectory, store, clock, onKeyProblem } = options;
  // Before the master keys: a directory that has none is a new one.
  const { host, epochMemory } = await openServerIdentity(dataDirectory);
  const { keyRing, tokenKeys, notice } = await openMasterKeys({
    dataDirectory,
    inUse: await store.credentials.keysInUse(),
    now: clock.now(),
    onProblem: onKeyProblem,
  });
  const rollbackGuard = await openFileRollbackGuard(join(dataDirectory, 'witness'));
  return {
    options: { keyRing, rollbackGuard, host, epochMemory },
    tokenKeys,
    ...(notice !== undefined && { notice }),
  };
}
