import type { CredentialRecord } from './store.ts';
import type { CredentialFacts, InvalidReason } from './credential-files.ts';

/**
 * Remembers the newest version of each credential outside the store. This detects a store that was restored from an
 * older backup, whose refresh tokens may already be spent. Contains no secret.
 */
export interface RollbackGuard {
  recall(userId: string, provider: string): Promise<GuardRecord | undefined>;
  note(userId: string, provider: string, guardRecord: GuardRecord): Promise<void>;
}

export interface GuardRecord {
  readonly version: number;
  /** Hash of the secret parts; `null` after the user disconnected the provider. */
  readonly sha256: string | null;
  readonly facts: CredentialFacts | null;
  /** The machine that may have refreshed the credential since. */
  readonly machineId: string | null;
  /** The `diskNonce` of that machine's lease, see `CredentialHolder`. */
  readonly diskNonce?: string;
  /** Why this version is not given out any more. The row of the store says so too, but could be changed there. */
  readonly ended?: InvalidReason;
  /**
   * The version about to be stored. If the process ended before the commit was confirmed, the store says whether it
   * happened.
   */
  readonly next?: { readonly version: number; readonly sha256: string };
}

/** Whether the store holds an older version than it held before. */
export function isRolledBack(
  guardRecord: GuardRecord | undefined,
  stored: Pick<CredentialRecord, 'version' | 'sha256' | 'facts'>,
): boolean {
  if (!guardRecord || stored.version > guardRecord.version) return false;
  const { next, facts } = guardRecord;
  // Some providers never replace the refresh token. If it is the same, none has been spent.
  if (facts?.lineage !== undefined && facts.lineage === stored.facts.lineage) return false;
  const isNext = next?.version === stored.version && next.sha256 === stored.sha256;
  return !isNext && stored.sha256 !== guardRecord.sha256;
}

/** Why the stored version is not given out; `undefined` if it may be. The store alone could take that back. */
export function endingOf(
  guardRecord: GuardRecord | undefined,
  stored: Pick<CredentialRecord, 'version' | 'sha256' | 'facts' | 'invalidReason'>,
): InvalidReason | undefined {
  if (stored.invalidReason !== null) return stored.invalidReason;
  if (isRolledBack(guardRecord, stored)) return 'rolled-back';
  return guardRecord?.version === stored.version ? guardRecord.ended : undefined;
}

/** For tests, and for programs whose store does not outlive the process. */
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
