import type { CredentialFacts, InvalidReason } from '../contracts/credential-files.ts';
import type { MissingPart } from './missing-parts.ts';

/** Why a credential comes to the ledger. A user acts in `login` and `import`, a CLI in the other two. */
export type CaptureReason = 'login' | 'rotation' | 'harvest' | 'import';

/** What is stored now. */
export interface StoredFacts {
  readonly version: number;
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly valid: boolean;
  readonly invalidReason: InvalidReason | null;
  /** The machine that holds the lease. */
  readonly holder: string | undefined;
  /** What the holder's disk must have on it to be the disk it ran with; `undefined` if that is not known. */
  readonly diskNonce: string | undefined;
  /**
   * The store was put back to an earlier time: hash, facts and holder are those of the newest version we know of,
   * and only what is stored under `version` is older.
   */
  readonly rolledBack: boolean;
}

/** What is offered. */
export interface OfferedFacts {
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly reason: CaptureReason;
  readonly missing: readonly MissingPart[];
  /** The version that had the same hash, if there ever was one. */
  readonly seenVersion: number | undefined;
  /** The newest version that had the same refresh token, if there ever was one and the provider identifies them. */
  readonly lineageVersion: number | undefined;
  /** The CLI machine it comes from. */
  readonly machineId: string | undefined;
}

export type Decision =
  | { readonly kind: 'store'; readonly expectedVersion: number; readonly valid: boolean }
  /** The current version again. `revalidate`: a user brought it, or it was lost and is found; it may be used again. */
  | { readonly kind: 'duplicate'; readonly version: number; readonly revalidate: boolean }
  | { readonly kind: 'refuse'; readonly why: RefusalKind; readonly problem: string };

export type RefusalKind = 'incomplete' | 'blank' | 'stale';

/**
 * What becomes of an offered credential. Refresh tokens are single-use: presenting an old one makes the provider
 * revoke the whole family (RFC 9700 §4.14.2), so a version that is not certainly newer is refused.
 */
export function decide(
  current: StoredFacts | undefined,
  offered: OfferedFacts,
  supersedes: (next: CredentialFacts, old: CredentialFacts) => boolean = issuedLater,
): Decision {
  const byUser = offered.reason === 'login' || offered.reason === 'import';
  if (offered.missing.length > 0) {
    const problem = offered.missing.map(({ item, problem: what }) => `${item}: ${what}`).join(', ');
    return refuse(isEmptied(offered) ? 'blank' : 'incomplete', problem);
  }
  if (offered.facts.blank) return refuse('blank', 'the CLI has emptied it: the login is over');
  if (!current) {
    // Disconnected while a machine still had it: it must not come back by itself.
    return byUser
      ? { kind: 'store', expectedVersion: 0, valid: true }
      : refuse('stale', 'the provider has been disconnected');
  }
  if (offered.sha256 === current.sha256) return decideSame(current, offered, byUser);
  // An API key does not rotate: a user may go back to an earlier one.
  const mayReturn = byUser && offered.facts.kind === 'api-key';
  const sameToken = !byUser && hasSameToken(offered.facts, current.facts);
  if (offered.seenVersion !== undefined && !mayReturn && !sameToken) {
    return refuse('stale', `it is version ${offered.seenVersion}; version ${current.version} is stored`);
  }
  if (byUser) return decideUsers(current, offered, supersedes);
  if (offered.machineId !== undefined && offered.machineId !== current.holder) {
    return refuse('stale', `machine ${offered.machineId} no longer holds this login`);
  }
  if (offered.facts.kind !== current.facts.kind) {
    // What a plan login has left on a disk, for instance, after the user chose a key.
    return refuse('stale', `version ${current.version}, which is stored, is of another kind`);
  }
  if (offered.lineageVersion !== undefined && !sameToken) {
    return refuse('stale', `its refresh token is that of version ${offered.lineageVersion}, which was replaced`);
  }
  const isNewer = hasNewToken(current, offered) || supersedes(offered.facts, current.facts);
  if (offered.seenVersion !== undefined || !isNewer) {
    // Only the short-lived token differs, or what stands beside it: nothing was used up.
    return sameToken && !current.rolledBack
      ? { kind: 'duplicate', version: current.version, revalidate: isFound(current, offered) }
      : refuse('stale', `it is older than version ${current.version}, which is stored`);
  }
  // Only a user's login ends the refusal by the provider; a refused CLI may still rewrite its file.
  return { kind: 'store', expectedVersion: current.version, valid: current.valid || isFound(current, offered) };
}

/** What is stored comes again, or what would be stored if the store had not been put back. */
function decideSame(current: StoredFacts, offered: OfferedFacts, byUser: boolean): Decision {
  const { version, rolledBack, holder } = current;
  if (!rolledBack) {
    return { kind: 'duplicate', version, revalidate: !current.valid && (byUser || isFound(current, offered)) };
  }
  return byUser || holder === undefined || holder === offered.machineId
    ? { kind: 'store', expectedVersion: version, valid: current.invalidReason !== 'refused' || byUser }
    : refuse('stale', `machine ${offered.machineId ?? 'unknown'} no longer holds this login`);
}

/** It was given up for lost, and the machine that has it is back. */
function isFound({ invalidReason, holder }: StoredFacts, { machineId }: OfferedFacts): boolean {
  return invalidReason !== null && invalidReason !== 'refused' && machineId !== undefined && machineId === holder;
}

function hasSameToken(one: CredentialFacts, other: CredentialFacts): boolean {
  return one.lineage !== undefined && one.lineage === other.lineage && one.kind === other.kind;
}

/**
 * The holder has a refresh token that was never stored, which it can only have got by using up the stored one. No clock
 * decides then: those of two machines may be hours apart. A store that was rolled back has forgotten which tokens it had.
 */
function hasNewToken({ facts, rolledBack }: StoredFacts, { facts: next, lineageVersion }: OfferedFacts): boolean {
  if (rolledBack || lineageVersion !== undefined) return false;
  return next.lineage !== undefined && facts.lineage !== undefined && next.lineage !== facts.lineage;
}

/** The file is whole and its values are gone: what a CLI leaves behind when its refresh was refused. */
function isEmptied({ missing, machineId }: OfferedFacts): boolean {
  return machineId !== undefined && missing.every(({ problem }) => problem.startsWith('missing '));
}

/** A fresh login always wins; a file from elsewhere must not be older than a login that works. */
function decideUsers(
  current: StoredFacts,
  offered: OfferedFacts,
  supersedes: (next: CredentialFacts, old: CredentialFacts) => boolean,
): Decision {
  const sameLogin = offered.facts.account === current.facts.account && offered.facts.kind === current.facts.kind;
  if (offered.reason === 'import' && current.valid && sameLogin && !supersedes(offered.facts, current.facts)) {
    return refuse('stale', `it is older than version ${current.version}, which is stored and works`);
  }
  return { kind: 'store', expectedVersion: current.version, valid: true };
}

function refuse(why: RefusalKind, problem: string): Decision {
  return { kind: 'refuse', why, problem };
}

/** Where a provider has no rule: the later `issuedAt`, and where none is known the later arrival. */
function issuedLater(next: CredentialFacts, old: CredentialFacts): boolean {
  return next.issuedAt === undefined || old.issuedAt === undefined || next.issuedAt >= old.issuedAt;
}
