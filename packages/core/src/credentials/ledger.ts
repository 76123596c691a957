import { randomUUID } from 'node:crypto';

import { SallyportError } from '../base/errors.ts';
import type { CredentialSummary } from '../contracts/credential-summary.ts';
import { createSerialQueues } from '../base/serial-queue.ts';
import { Secret } from '../base/secret.ts';
import type { NewAuditEntry } from '../contracts/audit-store.ts';
import type { CredentialRecord, Store } from '../contracts/store.ts';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { decide } from './decide.ts';
import type { CaptureReason, Decision, RefusalKind, StoredFacts } from './decide.ts';
import { examine } from './examine.ts';
import type { Examined, LedgerProvider } from './examine.ts';
import { readStanding } from './standing.ts';
import type { CredentialFacts, CredentialFiles, InvalidReason } from '../contracts/credential-files.ts';
import type { KeyRing } from '../contracts/key-ring.ts';
import { loginNeeded } from './login-needed.ts';
import { isUnaltered } from './sealed-facts.ts';
import { storableJson } from '../base/storable.ts';
import { createMemoryRollbackGuard, endingOf } from '../contracts/rollback-guard.ts';
import type { RollbackGuard } from '../contracts/rollback-guard.ts';

/**
 * The one place where credentials are kept: sealed, versioned, leased to one machine at a time, and never given
 * out in an older version than the newest. It writes no log; its answers hold no secret but in a {@link Secret}.
 */
export interface Ledger {
  /** Takes a credential in, or says why not. Repeating an offer is harmless. */
  offer(offer: CredentialOffer): Promise<OfferOutcome>;
  /**
   * Throws `CREDENTIAL_NOT_CONNECTED`, `CREDENTIAL_INVALID`, `CREDENTIAL_UNREADABLE`, or `CREDENTIAL_ALTERED` if the hash or
   * facts of its row are not those that were sealed.
   */
  read(userId: string, provider: string): Promise<ReleasedCredential>;
  /**
   * Leases the credential to a machine and reads it. Throws `CREDENTIAL_LEASED` while another machine holds it.
   * The lease lasts until it is given back, or until the user logs in again. While it lasts, the machine may have
   * a version that the ledger has not.
   */
  release(lease: CredentialLease & { readonly diskNonce?: string }): Promise<ReleasedCredential>;
  /** The machine no longer has the credential: it was removed from the disk, or the machine was destroyed. */
  giveBack(lease: CredentialLease): Promise<void>;
  /** What is stored and who holds it, without opening it; `undefined` where nothing is. */
  standing(userId: string, provider: string): Promise<CredentialStanding | undefined>;
  /** The credential is not given out until the user logs in again. Resolves to whether this call ended it. */
  markInvalid(ended: EndedCredential): Promise<boolean>;
  /** Forgets every version, and the lease. `audit`: see {@link Store}. */
  erase(userId: string, provider: string, audit?: NewAuditEntry): Promise<void>;
}

export interface EndedCredential {
  readonly userId: string;
  readonly provider: string;
  readonly reason: InvalidReason;
  /** Only if this version is still current, since the user may have logged in meanwhile. */
  readonly version?: number | undefined;
  /** See {@link Store}. */
  readonly audit?: NewAuditEntry | undefined;
}

export interface CredentialOffer {
  readonly userId: string;
  readonly provider: string;
  readonly files: CredentialFiles;
  readonly reason: CaptureReason;
  /** The user typed it in, and nobody has asked the provider about it. */
  readonly isUnchecked?: boolean;
  /** The CLI machine it comes from. One that does not hold the lease is refused. */
  readonly machineId?: string;
  /**
   * Called once with what is about to be stored. When a user brought it, a rejection refuses it. A rotation is
   * stored first and whatever happens, since the version it replaces is dead: a rejection becomes `objection`.
   */
  readonly beforeStore?: (summary: CredentialSummary) => Promise<void>;
  /** Entry of the audit log that is stored with the new version. Called again if another offer was faster. */
  readonly audit?: (version: number) => NewAuditEntry | undefined;
}

export type OfferOutcome =
  | {
      readonly outcome: 'stored';
      readonly version: number;
      readonly facts: CredentialFacts;
      readonly objection?: unknown;
    }
  /** The current version already has this content. */
  | { readonly outcome: 'duplicate'; readonly version: number; readonly facts: CredentialFacts }
  /** Nothing was changed. `problem` is a clause without a secret, such as `auth: truncated`. */
  | { readonly outcome: 'refused'; readonly why: RefusalKind; readonly problem: string };

export interface CredentialLease {
  readonly userId: string;
  readonly provider: string;
  readonly machineId: string;
}

export interface ReleasedCredential {
  readonly files: Secret<CredentialFiles>;
  readonly version: number;
  readonly facts: CredentialFacts;
}

/** `sha256` is that of the stored version; the holder, where the store was put back, the one remembered. */
export type CredentialStanding = StoredFacts & {
  /** Whether the store knows the holder. If only the rollback guard does, the store is from before the lease. */
  readonly isLeaseStored: boolean;
};

export interface LedgerOptions {
  readonly store: Pick<Store, 'credentials'>;
  readonly keyRing: KeyRing;
  readonly registry: { get(provider: string): LedgerProvider };
  /** Default: one in memory, which knows nothing of the time before this start. */
  readonly rollbackGuard?: RollbackGuard;
  /** Called when the database was changed behind our back. */
  readonly onAltered?: (found: {
    readonly userId: string;
    readonly provider: string;
    readonly version: number;
  }) => void;
  /** Makes ids of records. Default: random UUIDs. */
  readonly newId?: () => string;
}

/** Others may store between our reading and our writing; more often than this is a fault. */
const MOST_ATTEMPTS = 8;

export function createLedger(options: LedgerOptions): Ledger {
  const { keyRing, registry, newId = randomUUID, rollbackGuard = createMemoryRollbackGuard() } = options;
  const { credentials } = options.store;
  const parts = { credentials, rollbackGuard };
  // What the rollbackGuard says is read, decided on and written again: two offers at once would mix their notes.
  const lines = createSerialQueues();
  const inTurn = <T>(userId: string, provider: string, work: () => Promise<T>): Promise<T> =>
    lines.enqueue(JSON.stringify([userId, provider]), work);

  return {
    offer: async (offer) => {
      const examined = examine(registry.get(offer.provider), offer.files);
      const beforeStore = callOnce(offer.beforeStore);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await inTurn(offer.userId, offer.provider, () => offerOnce(offer, examined, beforeStore));
        } catch (error) {
          const overtaken = SallyportError.isInstance(error) && error.code === 'CREDENTIAL_STALE';
          if (!overtaken || attempt === MOST_ATTEMPTS) throw error;
        }
      }
    },
    read,
    // In turn, since a new login is stored before the lease of the old one ends: in between it seems to be the holder's.
    standing: (userId, provider) =>
      inTurn(userId, provider, async () => {
        const { stored, lease, current } = await readStanding(parts, userId, provider);
        const isLeaseStored = lease !== undefined && lease.machineId === current?.holder;
        return stored && current && { ...current, sha256: stored.sha256, isLeaseStored };
      }),
    release: async ({ userId, provider, ...lease }) => {
      // Opened before anything is noted: the guard must not take an older version for the newest by altered facts.
      const { version, facts, sha256 } = (await open(userId, provider)).record;
      await credentials.lease(userId, provider, lease);
      await rollbackGuard.note(userId, provider, { version, facts, sha256, ...lease });
      // Read again: only from now on can nobody else change it.
      return read(userId, provider);
    },
    giveBack: async ({ userId, provider, machineId }) => {
      await credentials.release(userId, provider, machineId);
      const guardRecord = await rollbackGuard.recall(userId, provider);
      if (guardRecord?.machineId !== machineId) return;
      const { diskNonce: _ended, ...rest } = guardRecord;
      await rollbackGuard.note(userId, provider, { ...rest, machineId: null });
    },
    // In turn, or what it notes would be about a login that is stored meanwhile.
    markInvalid: ({ userId, provider, reason, version, audit }) =>
      inTurn(userId, provider, async () => {
        const current = await credentials.current(userId, provider);
        if (!current?.valid || (version !== undefined && version !== current.version)) return false;
        await credentials.setValid(userId, provider, false, reason, audit);
        const guardRecord = await rollbackGuard.recall(userId, provider);
        if (guardRecord?.version === current.version)
          await rollbackGuard.note(userId, provider, { ...guardRecord, ended: reason });
        return true;
      }),
    // In turn, or what it notes would be about a login that is stored meanwhile.
    erase: (userId, provider, audit) =>
      inTurn(userId, provider, async () => {
        const stored = await credentials.current(userId, provider);
        await credentials.erase(userId, provider, audit);
        if (!stored) return;
        const { version } = stored;
        await rollbackGuard.note(userId, provider, { version, sha256: null, facts: null, machineId: null });
      }),
  };

  async function offerOnce(
    offer: CredentialOffer,
    examined: Examined,
    beforeStore: BeforeStore,
  ): Promise<OfferOutcome> {
    const { userId, provider, reason, machineId, isUnchecked = false } = offer;
    const { facts, sha256 } = examined;
    const { stored, guardRecord, current } = await readStanding(parts, userId, provider);
    const [seenVersion, lineageVersion] = await Promise.all([
      credentials.seen(userId, provider, sha256),
      facts.lineage === undefined ? undefined : credentials.seenLineage(userId, provider, facts.lineage),
    ]);
    const decision: Decision = decide(
      current,
      { ...examined, reason, seenVersion, lineageVersion, machineId },
      registry.get(provider).supersedes,
    );
    if (decision.kind === 'refuse') return { outcome: 'refused', why: decision.why, problem: decision.problem };
    if (decision.kind === 'duplicate') {
      if (decision.revalidate) {
        if (guardRecord?.ended !== undefined) {
          const { ended: _ended, ...rest } = guardRecord;
          await rollbackGuard.note(userId, provider, rest);
        }
        await credentials.setValid(userId, provider, true);
      }
      return { outcome: 'duplicate', version: decision.version, facts };
    }

    const byUser = reason === 'login' || reason === 'import';
    const version = decision.expectedVersion + 1;
    const summary: CredentialSummary = { provider, version, facts, reason };
    if (byUser) await beforeStore(summary);
    const credentialId = stored?.credentialId ?? newId();
    const plain = encodeBundle({ files: examined.files, facts: storableJson(facts) });
    const sealed = await keyRing.seal(new Secret(plain), { recordId: credentialId, userId, provider, version });
    plain.fill(0);
    const { valid } = decision;
    // The provider made it a moment ago, unless it comes from elsewhere.
    const verified = reason !== 'import' && !isUnchecked;
    const record = { credentialId, userId, provider, sha256, facts, sealed, valid, verified };
    const before = guardRecord ?? { version: 0, sha256: null, facts: null, machineId: null };
    await rollbackGuard.note(userId, provider, { ...before, next: { version, sha256 } });
    await credentials.append(record, decision.expectedVersion, offer.audit?.(version));
    const held = byUser || machineId === undefined ? { machineId: null } : { machineId, ...nonceOf(current) };
    const ended = !valid && current?.invalidReason ? { ended: current.invalidReason } : {};
    await rollbackGuard.note(userId, provider, { version, sha256, facts, ...held, ...ended });
    // A new login is a new family of tokens: what the old holder rotates from now on belongs to the old one.
    const holder = byUser ? (await credentials.holder(userId, provider))?.machineId : undefined;
    if (holder !== undefined) await credentials.release(userId, provider, holder);
    const objection = byUser ? undefined : await beforeStore(summary).catch((error: unknown) => error);
    return { outcome: 'stored', version, facts, ...(objection !== undefined && { objection }) };
  }

  async function findReadable(userId: string, provider: string): Promise<CredentialRecord> {
    const [record, guardRecord] = await Promise.all([
      credentials.current(userId, provider),
      rollbackGuard.recall(userId, provider),
    ]);
    const { title } = registry.get(provider).manifest;
    if (!record) throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} is not connected.`);
    const reason = endingOf(guardRecord, record);
    if (reason !== undefined) throw loginNeeded(title, reason);
    return record;
  }

  async function read(userId: string, provider: string): Promise<ReleasedCredential> {
    const { record, files } = await open(userId, provider);
    const { version, facts } = record;
    return { files: new Secret(files), version, facts };
  }

  async function open(
    userId: string,
    provider: string,
  ): Promise<{ readonly record: CredentialRecord; readonly files: CredentialFiles }> {
    const record = await findReadable(userId, provider);
    const { credentialId, version } = record;
    const plain = await keyRing.open(record.sealed, { recordId: credentialId, userId, provider, version });
    const bundle = decodeBundle(plain.reveal());
    plain.reveal().fill(0);
    const known = registry.get(provider);
    if (isUnaltered(record, bundle, known)) return { record, files: bundle.files };
    options.onAltered?.({ userId, provider, version });
    throw new SallyportError(
      'CREDENTIAL_ALTERED',
      `The row of the stored ${known.manifest.title} login does not match what was sealed in it.`,
      { details: { provider, version } },
    );
  }
}

function nonceOf(current: StoredFacts | undefined): { readonly diskNonce?: string } {
  return current?.diskNonce === undefined ? {} : { diskNonce: current.diskNonce };
}

type BeforeStore = (summary: CredentialSummary) => Promise<void>;

function callOnce(beforeStore: BeforeStore | undefined): BeforeStore {
  let called: Promise<void> | undefined;
  return (summary) => (called ??= beforeStore?.(summary) ?? Promise.resolve());
}
