import type { CredentialFacts, InvalidReason } from './credential-files.ts';
import type { MachineRole, MachineState } from './plan.ts';
import type { PromptEvent } from './prompt-event.ts';
import type { Sealed } from './key-ring.ts';

/**
 * Where everything that must survive a restart is kept. Two implementations: in memory (here) and
 * PostgreSQL (`@sallyport/server`). `describeStore` in the testkit holds both to the same behaviour.
 * A method that finds the database away throws `STORE_UNAVAILABLE`.
 */
export interface Store {
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly credentials: CredentialStore;
  readonly machines: MachineStore;
  readonly prompts: PromptStore;
  readonly audit: AuditStore;
  readonly providerSwitches: ProviderSwitchStore;
  /** Resolves when the store answers; throws `STORE_UNAVAILABLE` otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** The port that the first user gets; each further one gets the next. */
export const FIRST_PROXY_PORT = 10_001;

export interface UserRecord {
  readonly userId: string;
  /** The name the embedding product knows the user by, when it was no UUID. */
  readonly externalId: string | null;
  /** From {@link FIRST_PROXY_PORT}, unique, allotted at creation. */
  readonly proxyPort: number;
  readonly fixedAddress: string | null;
  /** The user's current CLI machine. */
  readonly machineId: string | null;
}

export interface UserStore {
  /** The user, made on first sight. */
  ensure(userId: string, externalId: string | null): Promise<UserRecord>;
  get(userId: string): Promise<UserRecord | undefined>;
  setMachine(userId: string, machineId: string | null): Promise<void>;
  touch(userId: string): Promise<void>;
}

export type SessionStatus = 'pending' | 'ready' | 'awaiting_user_auth' | 'completed' | 'failed' | 'cancelled';

/** States in which a session is still alive. */
export const liveSessionStatuses: readonly SessionStatus[] = ['pending', 'ready', 'awaiting_user_auth'];

export interface SessionRecord {
  readonly sessionId: string;
  readonly userId: string;
  readonly provider: string;
  readonly method: string;
  readonly display: 'desktop' | 'local' | 'none';
  readonly status: SessionStatus;
  /** Finer than the status; see `loginPhases`. */
  readonly phase: string;
  readonly browserMachineId: string | null;
  readonly cliMachineId: string | null;
  readonly authUrl: string | null;
  readonly userCode: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly errorHint: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** An entry of a journal: what is streamed, with the id the stream is resumed by. */
export interface JournalEntry<T> {
  /** Grows within the stream; never reused. */
  readonly id: number;
  readonly event: T;
}

export interface SessionEvent {
  readonly type: 'phase' | 'url' | 'prompt' | 'progress' | 'notice' | 'done';
  readonly status: SessionStatus;
  readonly phase: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export type NewSession = Pick<
  SessionRecord,
  'sessionId' | 'userId' | 'provider' | 'method' | 'display' | 'browserMachineId' | 'phase'
>;
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
    | 'errorCode'
    | 'errorMessage'
    | 'errorHint'
  >
>;

export interface SessionStore {
  /** Throws `LOGIN_IN_PROGRESS` with `details.sessionId` while one of this user and provider is live. */
  create(session: NewSession): Promise<SessionRecord>;
  get(sessionId: string): Promise<SessionRecord | undefined>;
  /** Changes a live session and journals the event in one transaction; `undefined` when it has ended or never was. */
  update(
    sessionId: string,
    change: SessionChange,
    event: SessionEvent,
  ): Promise<{ readonly session: SessionRecord; readonly entry: JournalEntry<SessionEvent> } | undefined>;
  events(sessionId: string, afterId: number): Promise<readonly JournalEntry<SessionEvent>[]>;
  live(): Promise<readonly SessionRecord[]>;
}

/** One version of one user's credential for one provider. Older versions keep hash and facts only. */
export interface CredentialRecord {
  readonly credentialId: string;
  readonly userId: string;
  readonly provider: string;
  /** From 1. */
  readonly version: number;
  /** SHA-256 of the canonical bundle of what is secret in it, hex: settings beside it do not count. */
  readonly sha256: string;
  readonly facts: CredentialFacts;
  readonly sealed: Sealed;
  /** False: it is not given out any more, and the user has to log in again. */
  readonly valid: boolean;
  /** Why it is not valid; `null` while it is. */
  readonly invalidReason: InvalidReason | null;
  /** When the provider last showed that it accepts it: by a login, a refresh or a prompt that ended well. */
  readonly lastVerified: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type NewCredentialVersion = Pick<
  CredentialRecord,
  'credentialId' | 'userId' | 'provider' | 'sha256' | 'facts' | 'sealed'
> & {
  /** Default true. False: a rotation of a login that the provider has refused, kept but not handed out. */
  readonly valid?: boolean;
  /** The provider has made it just now, so it is verified. Default false. */
  readonly verified?: boolean;
};

export interface CredentialStore {
  current(userId: string, provider: string): Promise<CredentialRecord | undefined>;
  list(userId: string): Promise<readonly CredentialRecord[]>;
  /**
   * Stores version `expectedVersion + 1`. Compare-and-set: throws `CREDENTIAL_STALE` when the stored version
   * is another. `expectedVersion` 0 means that none may exist.
   */
  append(version: NewCredentialVersion, expectedVersion: number): Promise<CredentialRecord>;
  /** Whether a version with this hash was ever stored: an old one must never come back. */
  seen(userId: string, provider: string, sha256: string): Promise<number | undefined>;
  /** The reason is for `false`; default `refused`. */
  setValid(userId: string, provider: string, valid: boolean, reason?: InvalidReason): Promise<void>;
  /** The provider has accepted this version just now; nothing changes where it is not the current one. */
  setVerified(userId: string, provider: string, version: number): Promise<void>;
  /** Valid credentials of everybody whose login ends before this time, in milliseconds since the epoch. */
  endingBefore(time: number): Promise<readonly CredentialRecord[]>;
  /** Notes that the user was warned of this end of the login; false when that was noted before. */
  noteWarning(userId: string, provider: string, loginExpiresAt: number): Promise<boolean>;
  /** Removes every version, and the lease. */
  erase(userId: string, provider: string): Promise<void>;
  /**
   * One machine may hold (and so refresh) a credential. Throws `CREDENTIAL_LEASED` while another does, and
   * `CREDENTIAL_NOT_CONNECTED` when there is no credential. The same machine may lease it again, with another nonce.
   */
  lease(userId: string, provider: string, lease: CredentialHolder): Promise<void>;
  /** Gives the lease back; no error when this machine does not hold it. */
  release(userId: string, provider: string, machineId: string): Promise<void>;
  /** The machine that holds the lease, as it was leased last. */
  holder(userId: string, provider: string): Promise<CredentialHolder | undefined>;
}

export interface CredentialHolder {
  readonly machineId: string;
  /**
   * Random, new with each lease, and also written to the machine's disk: a disk without it is a copy from another time.
   * Absent in leases from before there were nonces.
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
  /** Of its last start. */
  readonly epoch: number;
  /** Version of each provider's credential that lies on its disk. */
  readonly injected: Readonly<Record<string, number>>;
  readonly createdAt: Date;
  readonly destroyedAt: Date | null;
}

/** A machine is created to be started, so the row of a new one says this epoch already. */
export const FIRST_EPOCH = 1;

export interface MachineStore {
  /** Writes the intent row, in state `creating` and with {@link FIRST_EPOCH}; with `asCurrent`, it is its user's machine by the same write. */
  create(
    machine: Pick<MachineRecord, 'machineId' | 'userId' | 'role' | 'driver' | 'host' | 'vcpus' | 'memoryMb'>,
    options?: { readonly asCurrent: boolean },
  ): Promise<MachineRecord>;
  get(machineId: string): Promise<MachineRecord | undefined>;
  /** Oldest first; destroyed ones too. */
  list(filter?: { readonly userId?: string; readonly host?: string }): Promise<readonly MachineRecord[]>;
  /** The state `destroyed` also sets `destroyedAt`. Throws `MACHINE_UNKNOWN`. */
  update(machineId: string, change: Partial<Pick<MachineRecord, 'state' | 'injected'>>): Promise<void>;
  /** Raises and returns the epoch, for each further start. Throws `MACHINE_UNKNOWN`. */
  nextEpoch(machineId: string): Promise<number>;
}

export type PromptStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'relogin-needed';

export interface PromptRecord {
  readonly promptId: string;
  readonly userId: string;
  readonly provider: string;
  readonly conversationId: string | null;
  readonly status: PromptStatus;
  readonly createdAt: Date;
}

export type NewPrompt = Pick<PromptRecord, 'promptId' | 'userId' | 'provider' | 'conversationId'>;

export interface PromptStore {
  /** Writes the prompt, which runs from then on, and the first event of its journal with it. */
  create(prompt: NewPrompt, first: PromptEvent): Promise<PromptRecord>;
  get(promptId: string): Promise<PromptRecord | undefined>;
  /**
   * Journals events and returns those that were taken; a `prompt-end` also sets the status, and nothing is taken
   * after it. Throws `PROMPT_UNKNOWN`.
   */
  append(promptId: string, events: readonly PromptEvent[]): Promise<readonly JournalEntry<PromptEvent>[]>;
  events(promptId: string, afterId: number, limit: number): Promise<readonly JournalEntry<PromptEvent>[]>;
  running(): Promise<readonly PromptRecord[]>;
}

/** Providers that an operator has switched off, for every server that uses this store. */
export interface ProviderSwitchStore {
  /** Their ids, in order. */
  disabled(): Promise<readonly string[]>;
  /** Repeating it is no error. */
  set(provider: string, disabled: boolean): Promise<void>;
}

export interface AuditEntry {
  readonly at: Date;
  readonly type: string;
  readonly userId: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface AuditStore {
  append(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(limit: number): Promise<readonly AuditEntry[]>;
}
