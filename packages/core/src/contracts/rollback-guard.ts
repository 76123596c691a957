import type { CredentialRecord } from './store.ts';
import type { CredentialFacts } from './credential-files.ts';

/**
 * Remembers the newest version of each credential outside the store, so that a store that was restored from an older
 * backup is found out: the refresh token it brings back may have been used up since. Holds no secret.
 */
export interface RollbackGuard {
  recall(userId: string, provider: string): Promise<GuardRecord | undefined>;
  note(userId: string, provider: string, guardRecord: GuardRecord): Promise<void>;
}

export interface GuardRecord {
  readonly version: number;
  /** Of what is secret; `null` after the user disconnected the provider. */
  readonly sha256: string | null;
  readonly facts: CredentialFacts | null;
  /** The machine that may have refreshed it since. */
  readonly machineId: string | null;
  /** That of its lease, see `CredentialHolder`. */
  readonly diskNonce?: string;
  /** About to be stored. Where the process ended in between, the store says whether it was. */
  readonly next?: { readonly version: number; readonly sha256: string };
}

/** Whether the store holds an older version than one it held before. */
export function isRolledBack(
  guardRecord: GuardRecord | undefined,
  stored: Pick<CredentialRecord, 'version' | 'sha256' | 'facts'>,
): boolean {
  if (!guardRecord || stored.version > guardRecord.version) return false;
  const { next, facts } = guardRecord;
  // The same refresh token: some providers never replace it, and then nothing was used up.
  if (facts?.lineage !== undefined && facts.lineage === stored.facts.lineage) return false;
  const isNext = next?.version === stored.version && next.sha256 === stored.sha256;
  return !isNext && stored.sha256 !== guardRecord.sha256;
}

/** For tests, and for programs whose store goes away with them. */
export function createMemoryRollbackGuard(): RollbackGuard {
  const guardRecords = new Map<string, GuardRecord>();
  const keyOf = (userId: string, provider: string): string => JSON.stringify([userId, provider]);
  return {
    recall: async (userId, provider) => guardRecords.get(keyOf(userId, provider)),
    note: async (userId, provider, guardRecord) => {
      guardRecords.set(keyOf(userId, provider), guardRecord);
    },
  };
}
