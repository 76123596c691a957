import type { ApiKeyStore } from './api-key-store.ts';
import type { AuditStore, NewAuditEntry } from './audit-store.ts';
import type { ConnectLinkStore } from './connect-link-store.ts';
import type { CredentialFacts, InvalidReason } from './credential-files.ts';
import type { MachineRole, MachineState } from './plan.ts';
import type { LoginEvent, SessionStatus } from './login-event.ts';
import type { PromptEvent } from './prompt-event.ts';
import type { ListPage, ListQuery } from './listing.ts';
import type { HistoryStore } from './history-store.ts';
import type { IdempotencyStore } from './idempotency-store.ts';
import type { Sealed } from './key-ring.ts';
import type { ServerStore } from './server-store.ts';

/**
 * Stores everything that must survive a restart. Two implementations: in memory (here) and PostgreSQL
 * (`@sallyport/server`). `describeStore` in the testkit runs the same tests against both. Every method throws
 * `STORE_UNAVAILABLE` if the database is unreachable. A change that is given an `audit` entry writes it to the audit log in the
 * same transaction: both are stored or neither. If there is nothing to change, the entry is not written.
 */
export interface Store {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly credentials: CredentialStore;
  readonly machines: MachineStore;
  readonly prompts: PromptStore;
  readonly audit: AuditStore;
  readonly providerSwitches: ProviderSwitchStore;
  readonly servers: ServerStore;
  readonly history: HistoryStore;
  readonly idempotency: IdempotencyStore;
  readonly apiKeys: ApiKeyStore;
  readonly connectLinks: ConnectLinkStore;
  /** Resolves if the store answers. Throws `STORE_UNAVAILABLE` otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The port of the first user who needs one. Each further user gets the next one. */
export const FIRST_PROXY_PORT = 10_001;

export interface UserRecord {
  readonly userId: string;
  /** The embedding product's name for the user, unless that is a UUID. */
  readonly externalId: string | null;
  /** Unique, from {@link FIRST_PROXY_PORT}. `null` until {@link UserStore.allotProxyPort}. */
  readonly proxyPort: number | null;
  readonly fixedAddress: string | null;
  /** The user's current CLI machine. */
  readonly machineId: string | null;
}

export interface UserStore {
  /** Returns the user, and creates it the first time. */
  ensure(userId: string, externalId: string | null): Promise<UserRecord>;
  get(userId: string): Promise<UserRecord | undefined>;
  /**
   * The user's upstream port, allotted the first time. `undefined` if there is no such user. Throws `STORE_CONFLICT` once
   * all 55,535 ports belong to users; those of erased users are given again.
   */
  allotProxyPort(userId: string): Promise<number | undefined>;
  setMachine(userId: string, machineId: string | null): Promise<void>;
  /**
   * Deletes the user and notes the erasure. Its credentials, machines and history are erased first. It is not an error if
   * there is none: the erasure is noted all the same.
   */
  erase(userId: string, audit?: NewAuditEntry): Promise<void>;
  /**
   * Names the user's latest erasure, by a UUID that no other has. `undefined` if there was none. May be forgotten after a day:
   * no user token lives as long.
   */
  lastErasure(userId: string): Promise<string | undefined>;
}

/** States in which a session has not ended. */
export const liveSessionStatuses: readonly SessionStatus[] = ['pending', 'ready', 'awaiting_user_auth'];

export interface SessionRecord {
  readonly sessionId: string;
  readonly userId: string;
  /** Host of the server that runs the login; `null` in rows from before servers were told apart. */
  readonly host: string | null;
  readonly provider: string;
  readonly method: string;
  readonly display: 'desktop' | 'local' | 'none';
  readonly status: SessionStatus;
  /** More detailed than the status; see `loginPhases`. */
  readonly phase: string;
  readonly browserMachineId: string | null;
  readonly cliMachineId: string | null;
  readonly authUrl: string | null;
  readonly userCode: string | null;
  /** When `userCode` ends; `null` if that is not known. */
  readonly userCodeExpiresAt: Date | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorHint: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A journal entry: an event, with the id for resuming the stream. */
export interface JournalEntry<T> {
  /** Increases within the stream; never reused. */
  readonly id: number;
  readonly event: T;
}

export type NewSession = Pick<
  SessionRecord,
  'sessionId' | 'userId' | 'provider' | 'method' | 'display' | 'browserMachineId' | 'phase'
> & { readonly host: string };
export type SessionChange = Partial<
  Pick<
    SessionRecord,
    | 'method'
    | 'display'
    | 'status'
    | 'phase'
    | 'browserMachineId'
    | 'cliMachineId'
    | 'authUrl'
    | 'userCode'
    | 'userCodeExpiresAt'
    | 'errorCode'
    | 'errorMessage'
    | 'errorHint'
  >
>;

export interface SessionStore {
  /** Throws `LOGIN_IN_PROGRESS` with `details.sessionId` if this user already has a live session for this provider. */
  create(session: NewSession, audit?: NewAuditEntry): Promise<SessionRecord>;
  get(sessionId: string): Promise<SessionRecord | undefined>;
  /**
   * Changes a live session and journals the event in one transaction. Returns `undefined` if there is no live
   * session.
   */
  update(
    sessionId: string,
    change: SessionChange,
    event: LoginEvent,
    audit?: NewAuditEntry,
  ): Promise<{ readonly session: SessionRecord; readonly entry: JournalEntry<LoginEvent> } | undefined>;
  events(sessionId: string, afterId: number): Promise<readonly JournalEntry<LoginEvent>[]>;
  /** With a host: those of that host, and those from before servers were told apart. */
  live(filter?: { readonly host: string }): Promise<readonly SessionRecord[]>;
  /** Those of a user, live and ended, by session ID. */
  list(query: ListQuery): Promise<ListPage<SessionRecord>>;
}

/** One version of a user's credential for one provider. Older versions keep only hash and facts. */
export interface CredentialRecord {
  readonly credentialId: string;
  readonly userId: string;
  readonly provider: string;
  /** Starts at 1. */
  readonly version: number;
  /** SHA-256 of the canonical bundle of the secret parts, in hex. Settings do not count. */
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly sealed: Sealed;
  /** False: the credential is no longer used, and the user has to log in again. */
  readonly valid: boolean;
  /** Why it is not valid; `null` if it is. */
  readonly invalidReason: InvalidReason | null;
  /** When the provider last accepted it: in a login, a refresh or a successful prompt. */
  readonly lastVerified: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewCredentialVersion = Pick<
  CredentialRecord,
  'credentialId' | 'userId' | 'provider' | 'sha256' | 'facts' | 'sealed'
> & {
  /** Default true. False: a rotation of a credential that the provider has refused. It is stored but not used. */
  readonly valid?: boolean;
  /** The provider has just issued it, which counts as verification. Default false. */
  readonly verified?: boolean;
};

export interface CredentialStore {
  current(userId: string, provider: string): Promise<CredentialRecord | undefined>;
  list(userId: string): Promise<readonly CredentialRecord[]>;
  /**
   * Stores version `expectedVersion + 1`. Compare-and-set: throws `CREDENTIAL_STALE` if the stored version differs.
   * An `expectedVersion` of 0 means that no version may exist.
   */
  append(version: NewCredentialVersion, expectedVersion: number, audit?: NewAuditEntry): Promise<CredentialRecord>;
  /** Returns the version that was ever stored with this hash. An old version must never be stored again. */
  seen(userId: string, provider: string, sha256: string): Promise<number | undefined>;
  /** Returns the newest version that was ever stored with this `facts.lineage`. */
  seenLineage(userId: string, provider: string, lineage: string): Promise<number | undefined>;
  /** `reason` applies to `false`; default `refused`. */
  setValid(
    userId: string,
    provider: string,
    valid: boolean,
    reason?: InvalidReason,
    audit?: NewAuditEntry,
  ): Promise<void>;
  /** The provider has just accepted the version that is noted for this machine. Does nothing if that is not current. */
  setVerified(userId: string, provider: string, machineId: string): Promise<void>;
  /** Valid credentials of all users that expire before this time, in ms since 1970, and whose users were not warned of it. */
  endingBefore(time: number): Promise<readonly CredentialRecord[]>;
  /** Records that the user was warned about this expiry. Returns false if that was already recorded. */
  noteWarning(userId: string, provider: string, loginExpiresAt: number): Promise<boolean>;
  /** Ids of the master keys that current versions are sealed under, sorted. */
  keysInUse(): Promise<readonly string[]>;
  /**
   * At most `limit` current versions under master keys whose id sorts before this one, ordered by user and provider.
   * `after` continues behind a record.
   */
  underOlderKeys(
    keyId: string,
    limit: number,
    after?: Pick<CredentialRecord, 'userId' | 'provider'>,
  ): Promise<readonly CredentialRecord[]>;
  /**
   * Replaces the wrapped data key of exactly this record: `salt`, `wrappedKey` and `keyId`. Nothing else changes, also not
   * `updatedAt`. Returns false if another version, or another wrapped key, is stored.
   */
  rewrap(record: CredentialRecord, sealed: Pick<Sealed, 'salt' | 'wrappedKey' | 'keyId'>): Promise<boolean>;
  /** Removes every version and the lease. */
  erase(userId: string, provider: string, audit?: NewAuditEntry): Promise<void>;
  /**
   * Leases the credential to a machine; only the holder may refresh it. Throws `CREDENTIAL_LEASED` if another machine
   * holds it, and `CREDENTIAL_NOT_CONNECTED` if there is no credential. The same machine may lease it again with
   * another nonce.
   */
  lease(userId: string, provider: string, lease: CredentialHolder): Promise<void>;
  /** Ends the lease. It is not an error if this machine does not hold it. */
  release(userId: string, provider: string, machineId: string): Promise<void>;
  /** The machine that holds the lease, with the nonce of its latest lease. */
  holder(userId: string, provider: string): Promise<CredentialHolder | undefined>;
}

export interface CredentialHolder {
  readonly machineId: string;
  /**
   * A new random number per lease, also written to the machine's disk. A disk without it is a copy from another time.
   * Absent in leases from before nonces existed.
   */
  readonly diskNonce?: string;
}

export interface MachineRecord {
  readonly machineId: string;
  readonly userId: string;
  readonly role: MachineRole;
  readonly driver: string;
  readonly host: string;
  readonly state: MachineState;
  readonly vcpus: number;
  readonly memoryMb: number;
  /** Epoch of its last start. */
  readonly epoch: number;
  /** Version of each provider's credential on its disk. */
  readonly injected: Readonly<Record<string, number>>;
  readonly createdAt: Date;
  readonly destroyedAt: Date | null;
}

/** A new machine is about to start, so its row is created with this epoch. */
export const FIRST_EPOCH = 1;

export interface MachineStore {
  /**
   * Writes the intent row, in state `creating` and with {@link FIRST_EPOCH}. With `asCurrent`, the same write makes
   * it the user's current machine.
   */
  create(
    machine: Pick<MachineRecord, 'machineId' | 'userId' | 'role' | 'driver' | 'host' | 'vcpus' | 'memoryMb'>,
    options?: { readonly asCurrent: boolean },
  ): Promise<MachineRecord>;
  get(machineId: string): Promise<MachineRecord | undefined>;
  /** Oldest first, without destroyed machines. */
  list(filter?: { readonly userId?: string; readonly host?: string }): Promise<readonly MachineRecord[]>;
  /** Setting the state `destroyed` also sets `destroyedAt`. Throws `MACHINE_UNKNOWN`. */
  update(
    machineId: string,
    change: Partial<Pick<MachineRecord, 'state' | 'injected'>>,
    audit?: NewAuditEntry,
  ): Promise<void>;
  /**
   * Notes which version of a provider's credential is on the disk, or with `null` that none is. With `byHolder`, only if the
   * machine holds the lease. Does nothing if there is no such machine.
   */
  noteInjected(
    machineId: string,
    provider: string,
    version: number | null,
    options?: { readonly byHolder: boolean },
  ): Promise<void>;
  /** Increments and returns the epoch, for each further start. Throws `MACHINE_UNKNOWN`. */
  nextEpoch(machineId: string): Promise<number>;
}

export type PromptStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'relogin-needed';

export interface PromptRecord {
  readonly promptId: string;
  readonly userId: string;
  /** Host of the server that runs the prompt; `null` in rows from before servers were told apart. */
  readonly host: string | null;
  readonly provider: string;
  /** Continues the conversation: the one that the prompt named, until its CLI tells one. */
  readonly conversationId: string | null;
  readonly status: PromptStatus;
  /** Why it did not complete; `null` if it did, while it runs, and in rows from before the code was kept. */
  readonly errorCode: string | null;
  readonly createdAt: Date;
  /** `null` while it runs. */
  readonly endedAt: Date | null;
}

/** What the prompts of a user with the same provider and conversation ID have in common. */
export interface ConversationRecord {
  readonly conversationId: string;
  readonly provider: string;
  /** When its first prompt was sent, as far as prompts are kept. */
  readonly createdAt: Date;
  readonly lastPromptAt: Date;
  /** How many prompts it has. */
  readonly prompts: number;
}

export type NewPrompt = Pick<PromptRecord, 'promptId' | 'userId' | 'provider' | 'conversationId'> & {
  readonly host: string;
};

export interface CreatedPrompt {
  readonly prompt: PromptRecord;
  readonly entry: JournalEntry<PromptEvent>;
}

export interface PromptStore {
  /** Writes the prompt as running, together with the first event of its journal. */
  create(prompt: NewPrompt, first: PromptEvent, audit?: NewAuditEntry): Promise<CreatedPrompt>;
  get(promptId: string): Promise<PromptRecord | undefined>;
  /**
   * Journals events and returns those it accepted. A `prompt-end` also sets status, error code and time of the end; later
   * events are ignored. A `conversation` sets the conversation ID, if a prompt may name it.
   * Throws `PROMPT_UNKNOWN`.
   */
  append(
    promptId: string,
    events: readonly PromptEvent[],
    audit?: NewAuditEntry,
  ): Promise<readonly JournalEntry<PromptEvent>[]>;
  events(promptId: string, afterId: number, limit: number): Promise<readonly JournalEntry<PromptEvent>[]>;
  /** With a host: those of that host, and those from before servers were told apart. */
  running(filter?: { readonly host: string }): Promise<readonly PromptRecord[]>;
  /** Those of a user, running and ended, by prompt ID. */
  list(query: ListQuery): Promise<ListPage<PromptRecord>>;
  /** Those of a user. The ID of a position is the provider and the conversation ID with a slash between them. */
  conversations(query: ListQuery): Promise<ListPage<ConversationRecord>>;
}

/** Providers that an operator has switched off, for all servers that use this store. */
export interface ProviderSwitchStore {
  /** Their ids, sorted. */
  disabled(): Promise<readonly string[]>;
  /** Idempotent. */
  set(provider: string, disabled: boolean): Promise<void>;
}
