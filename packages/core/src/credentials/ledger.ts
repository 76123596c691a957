import { randomUUID } from 'node:crypto';

import { SallyportError } from '../errors.ts';
import type { CredentialSummary } from '../hooks.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { Provider } from '../provider/provider.ts';
import { Secret } from '../secret.ts';
import type { CredentialRecord, Store } from '../store/store.ts';
import { bundleSha256, decodeBundle, encodeBundle } from './bundle.ts';
import { decide } from './decide.ts';
import type { CaptureReason, Decision, RefusalKind } from './decide.ts';
import type { CredentialFacts, CredentialFiles } from './files.ts';
import type { KeyRing } from './key-ring.ts';
import { missingParts } from './missing-parts.ts';

/**
 * The one place where credentials are kept: sealed, versioned, leased to one machine at a time, and never given
 * out in an older version than the newest. It writes no log; its answers hold no secret but in a {@link Secret}.
 */
export interface Ledger {
  /** Takes a credential in, or says why not. Repeating an offer is harmless. */
  offer(offer: CredentialOffer): Promise<OfferOutcome>;
  /** Throws `CREDENTIAL_NOT_CONNECTED`, `CREDENTIAL_INVALID` or `CREDENTIAL_UNREADABLE`. */
  read(userId: string, provider: string): Promise<ReleasedCredential>;
  /**
   * Leases the credential to a machine and reads it. Throws `CREDENTIAL_LEASED` while another machine holds it.
   * The lease lasts until it is given back, or until the person logs in again.
   */
  release(lease: CredentialLease): Promise<ReleasedCredential>;
  /** The machine no longer has the credential: it was removed from the disk, or the machine was destroyed. */
  giveBack(lease: CredentialLease): Promise<void>;
  /**
   * The provider refused the credential: it is not given out until the person logs in again. With a `version`,
   * only if that is still the current one, since the person may have logged in meanwhile. Resolves to whether it was.
   */
  markInvalid(userId: string, provider: string, version?: number): Promise<boolean>;
  /** Forgets every version, and the lease. */
  erase(userId: string, provider: string): Promise<void>;
  /** What is connected, without the bytes. */
  list(userId: string): Promise<readonly LedgerEntry[]>;
}

export interface CredentialOffer {
  readonly userId: string;
  readonly provider: string;
  readonly files: CredentialFiles;
  readonly reason: CaptureReason;
  /** The CLI machine it comes from. One that does not hold the lease is refused. */
  readonly machineId?: string;
  /**
   * Called once with what is about to be stored. When a person brought it, a rejection refuses it. A rotation is
   * stored first and whatever happens, since the version it replaces is dead: a rejection becomes `objection`.
   */
  readonly beforeStore?: (summary: CredentialSummary) => Promise<void>;
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

export type LedgerEntry = Pick<
  CredentialRecord,
  'provider' | 'version' | 'facts' | 'valid' | 'lastVerified' | 'createdAt' | 'updatedAt'
>;

export interface LedgerOptions {
  readonly store: Pick<Store, 'credentials'>;
  readonly keyRing: KeyRing;
  readonly registry: { get(provider: string): LedgerProvider };
  /** Makes ids of records. Default: random UUIDs. */
  readonly newId?: () => string;
}

/** The part of a provider that the ledger asks. */
export type LedgerProvider = Pick<Provider, 'inspect' | 'supersedes'> & {
  readonly manifest: Pick<ProviderManifest, 'title' | 'credentials'>;
};

/** Others may store between our reading and our writing; more often than this is a fault. */
const MOST_ATTEMPTS = 8;

export function createLedger(options: LedgerOptions): Ledger {
  const { keyRing, registry, newId = randomUUID } = options;
  const { credentials } = options.store;

  return {
    offer: async (offer) => {
      const examined = examine(registry.get(offer.provider), offer.files);
      const beforeStore = callOnce(offer.beforeStore);
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await offerOnce(offer, examined, beforeStore);
        } catch (error) {
          const overtaken = SallyportError.isInstance(error) && error.code === 'CREDENTIAL_STALE';
          if (!overtaken || attempt === MOST_ATTEMPTS) throw error;
        }
      }
    },
    read,
    release: async ({ userId, provider, machineId }) => {
      await read(userId, provider);
      await credentials.lease(userId, provider, machineId);
      // Read again: only from now on can nobody else change it.
      return read(userId, provider);
    },
    giveBack: ({ userId, provider, machineId }) => credentials.release(userId, provider, machineId),
    markInvalid: async (userId, provider, version) => {
      const current = await credentials.current(userId, provider);
      if (!current || (version !== undefined && version !== current.version)) return false;
      await credentials.setValid(userId, provider, false);
      return true;
    },
    erase: (userId, provider) => credentials.erase(userId, provider),
    list: async (userId) =>
      (await credentials.list(userId)).map(
        ({ provider, version, facts, valid, lastVerified, createdAt, updatedAt }) => ({
          provider,
          version,
          facts,
          valid,
          lastVerified,
          createdAt,
          updatedAt,
        }),
      ),
  };

  async function offerOnce(
    offer: CredentialOffer,
    examined: Examined,
    beforeStore: BeforeStore,
  ): Promise<OfferOutcome> {
    const { userId, provider, reason, machineId } = offer;
    const { facts, sha256 } = examined;
    const current = await credentials.current(userId, provider);
    const holder = (await credentials.holder(userId, provider))?.machineId;
    const seenVersion = await credentials.seen(userId, provider, sha256);
    const decision: Decision = decide(
      current && { ...current, holder },
      { ...examined, reason, seenVersion, machineId },
      registry.get(provider).supersedes,
    );
    if (decision.kind === 'refuse') return { outcome: 'refused', why: decision.why, problem: decision.problem };
    if (decision.kind === 'duplicate') {
      if (decision.revalidate) await credentials.setValid(userId, provider, true);
      return { outcome: 'duplicate', version: decision.version, facts };
    }

    const byPerson = reason === 'login' || reason === 'import';
    const version = decision.expectedVersion + 1;
    const summary: CredentialSummary = { provider, version, facts, reason };
    if (byPerson) await beforeStore(summary);
    const credentialId = current?.credentialId ?? newId();
    const plain = encodeBundle(examined.files);
    const sealed = await keyRing.seal(new Secret(plain), { recordId: credentialId, userId, provider, version });
    plain.fill(0);
    const record = { credentialId, userId, provider, sha256, facts, sealed, valid: decision.valid };
    await credentials.append(record, decision.expectedVersion);
    // A new login is a new family of tokens: what the old holder rotates from now on belongs to the old one.
    if (byPerson && holder !== undefined) await credentials.release(userId, provider, holder);
    const objection = byPerson ? undefined : await beforeStore(summary).catch((error: unknown) => error);
    return { outcome: 'stored', version, facts, ...(objection !== undefined && { objection }) };
  }

  async function read(userId: string, provider: string): Promise<ReleasedCredential> {
    const record = await credentials.current(userId, provider);
    const { title } = registry.get(provider).manifest;
    if (!record) throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} is not connected.`);
    if (!record.valid) throw new SallyportError('CREDENTIAL_INVALID', `${title} no longer accepts the stored login.`);
    const { credentialId, version, facts, sha256 } = record;
    const plain = await keyRing.open(record.sealed, { recordId: credentialId, userId, provider, version });
    const files = decodeBundle(plain.reveal());
    plain.reveal().fill(0);
    if (bundleSha256(files) !== sha256) {
      throw new SallyportError('CREDENTIAL_UNREADABLE', 'The stored credential cannot be opened.');
    }
    return { files: new Secret(files), version, facts };
  }
}

type BeforeStore = (summary: CredentialSummary) => Promise<void>;

interface Examined {
  readonly files: CredentialFiles;
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly missing: readonly { readonly item: string; readonly problem: string }[];
}

/** Keeps what the manifest names and nothing else: the offer comes from inside a machine. */
function examine(provider: LedgerProvider, offered: CredentialFiles): Examined {
  const items = provider.manifest.credentials;
  const named = items.flatMap(({ id }): [string, string][] => {
    const text = offered[id];
    return text === undefined ? [] : [[id, text]];
  });
  const files = Object.fromEntries(named);
  const missing = missingParts(items, files);
  const onlyValues = items.every((item) => item.as === 'environment' || files[item.id] === undefined);
  const unknown: CredentialFacts = { kind: onlyValues ? 'api-key' : 'plan', blank: false };
  const sha256 = bundleSha256(files);
  if (missing.length > 0 || !provider.inspect) return { files, sha256, facts: unknown, missing };
  try {
    return { files, sha256, facts: provider.inspect(files), missing };
  } catch {
    // What it says may quote the credential, so it goes no further.
    return {
      files,
      sha256,
      facts: unknown,
      missing: [{ item: 'credential', problem: 'not understood by its provider' }],
    };
  }
}

function callOnce(beforeStore: BeforeStore | undefined): BeforeStore {
  let called: Promise<void> | undefined;
  return (summary) => (called ??= beforeStore?.(summary) ?? Promise.resolve());
}
