import { endingOf, isRolledBack } from '../contracts/rollback-guard.ts';
import type { GuardRecord, RollbackGuard } from '../contracts/rollback-guard.ts';
import type { CredentialHolder, CredentialRecord, CredentialStore } from '../contracts/store.ts';
import type { StoredFacts } from './decide.ts';

export interface Standing {
  readonly stored: CredentialRecord | undefined;
  readonly guardRecord: GuardRecord | undefined;
  /** As the store has it. */
  readonly lease: CredentialHolder | undefined;
  readonly current: StoredFacts | undefined;
}

export interface StandingParts {
  readonly credentials: CredentialStore;
  readonly rollbackGuard: RollbackGuard;
}

/** What is stored, and what there is to decide by: where the store was put back, what the rollbackGuard remembers. */
export async function readStanding(
  { credentials, rollbackGuard }: StandingParts,
  userId: string,
  provider: string,
): Promise<Standing> {
  const [stored, guardRecord, lease] = await Promise.all([
    credentials.current(userId, provider),
    rollbackGuard.recall(userId, provider),
    credentials.holder(userId, provider),
  ]);
  return { stored, guardRecord, lease, current: stored && currentOf(stored, guardRecord, lease) };
}

function currentOf(
  stored: CredentialRecord,
  guardRecord: GuardRecord | undefined,
  lease: CredentialHolder | undefined,
): StoredFacts {
  const { version, sha256, facts } = stored;
  if (!guardRecord || !isRolledBack(guardRecord, stored)) {
    const invalidReason = endingOf(guardRecord, stored) ?? null;
    // A lease that the rollbackGuard knows of and the store does not: the store was put back to before it.
    const remembered = guardRecord?.version === version && guardRecord.machineId !== null ? guardRecord : undefined;
    const holder = remembered?.machineId ?? lease?.machineId;
    const { diskNonce } = remembered ?? lease ?? {};
    const valid = invalidReason === null;
    return { version, sha256, facts, valid, invalidReason, holder, diskNonce, rolledBack: false };
  }
  const invalidReason = guardRecord.ended ?? stored.invalidReason;
  const isErased = guardRecord.sha256 === null;
  return {
    version,
    sha256: guardRecord.sha256 ?? '',
    facts: guardRecord.facts ?? facts,
    valid: invalidReason === null && !isErased,
    invalidReason,
    holder: guardRecord.machineId ?? undefined,
    diskNonce: guardRecord.diskNonce,
    rolledBack: true,
  };
}
