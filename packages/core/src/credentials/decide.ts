import type { CredentialFacts } from './files.ts';
import type { MissingPart } from './missing-parts.ts';

/** Why a credential comes to the ledger. A person acts in `login` and `import`, a CLI in the other two. */
export type CaptureReason = 'login' | 'rotation' | 'harvest' | 'import';

/** What is stored now. */
export interface StoredFacts {
  readonly version: number;
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly valid: boolean;
  /** The machine that holds the lease. */
  readonly holder: string | undefined;
}

/** What is offered. */
export interface OfferedFacts {
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly reason: CaptureReason;
  readonly missing: readonly MissingPart[];
  /** The version that had the same hash, if there ever was one. */
  readonly seenVersion: number | undefined;
  /** The CLI machine it comes from. */
  readonly machineId: string | undefined;
}

export type Decision =
  | { readonly kind: 'store'; readonly expectedVersion: number; readonly valid: boolean }
  /** The current version again. `revalidate`: a person brought it, so a refusal by the provider is forgotten. */
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
  const byPerson = offered.reason === 'login' || offered.reason === 'import';
  if (offered.missing.length > 0) {
    return refuse('incomplete', offered.missing.map(({ item, problem }) => `${item}: ${problem}`).join(', '));
  }
  if (offered.facts.blank) return refuse('blank', 'the CLI has emptied it: the login is over');
  if (!current) {
    // Disconnected while a machine still had it: it must not come back by itself.
    return byPerson
      ? { kind: 'store', expectedVersion: 0, valid: true }
      : refuse('stale', 'the provider has been disconnected');
  }
  if (offered.sha256 === current.sha256) {
    return { kind: 'duplicate', version: current.version, revalidate: byPerson && !current.valid };
  }
  // An API key does not rotate: a person may go back to an earlier one.
  const mayReturn = byPerson && offered.facts.kind === 'api-key';
  if (offered.seenVersion !== undefined && !mayReturn) {
    return refuse('stale', `it is version ${offered.seenVersion}; version ${current.version} is stored`);
  }
  if (byPerson) return decidePersons(current, offered, supersedes);
  if (offered.machineId !== undefined && offered.machineId !== current.holder) {
    return refuse('stale', `machine ${offered.machineId} no longer holds this login`);
  }
  if (offered.facts.kind !== current.facts.kind) {
    // What a plan login has left on a disk, for instance, after the person chose a key.
    return refuse('stale', `version ${current.version}, which is stored, is of another kind`);
  }
  if (!supersedes(offered.facts, current.facts)) {
    return refuse('stale', `it is older than version ${current.version}, which is stored`);
  }
  // Only a person's login ends the refusal by the provider; a refused CLI may still rewrite its file.
  return { kind: 'store', expectedVersion: current.version, valid: current.valid };
}

/** A fresh login always wins; a file from elsewhere must not be older than a login that works. */
function decidePersons(
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
