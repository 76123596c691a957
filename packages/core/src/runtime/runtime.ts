import type { NewAuditEntry } from '../contracts/audit-store.ts';
import type { Admission } from '../admission/admission.ts';
import type { ConnectAgent } from '../contracts/agent-client.ts';
import type { Clock } from '../base/clock.ts';
import type { Ledger } from '../credentials/ledger.ts';
import type { Egress } from '../contracts/egress.ts';
import type { Refusals } from './egress-refusals.ts';
import type { DomainEvent } from '../contracts/domain-event.ts';
import type { HookCalls } from '../hooks/hooks.ts';
import type { JournalFeed } from './journal-feed.ts';
import type { Notifier } from './notifier.ts';
import type { WriteBacks } from '../credentials/write-backs.ts';
import type { CallbackPorts } from '../contracts/callback-ports.ts';
import type { MachineDriver } from '../contracts/driver.ts';
import type { AgentBundle, MachineRole, MachineStart, MachineState } from '../contracts/plan.ts';
import type { ProviderGate } from '../provider/gate.ts';
import type { ProviderManifest } from '../provider/manifest.ts';
import type { ProviderRegistry } from '../provider/registry.ts';
import type { RateLimit } from './rate-limit.ts';
import type { RepeatLimit } from './repeat-limit.ts';
import type { Settings } from './settings.ts';
import type { Store } from '../contracts/store.ts';
import type { UserGate } from './user-gate.ts';

/** Everything the flows share. Put together once, by `createSallyport`. */
export interface Runtime {
  readonly registry: ProviderRegistry;
  readonly gate: ProviderGate;
  readonly userGate: UserGate;
  readonly driver: MachineDriver;
  readonly store: Store;
  readonly egress: Egress;
  readonly refusals: Refusals;
  /** For events that a machine can cause at will. */
  readonly repeatLimit: RepeatLimit;
  /** Of the rotations that each machine may have stored, by machine and provider. */
  readonly rotationLimit: RateLimit;
  readonly ledger: Ledger;
  readonly writeBacks: WriteBacks;
  readonly hooks: HookCalls;
  readonly connectAgent: ConnectAgent;
  readonly agentBundle: AgentBundle;
  readonly installCli: InstallCli;
  readonly findCli: FindCli | undefined;
  readonly callbackPorts: CallbackPorts;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly admission: Admission;
  /**
   * Browser machines that this process is making, uses or removes: the search for leftovers leaves them alone. CLI
   * machines are looked after by `CliMachines`.
   */
  readonly inHand: Set<string>;
  readonly notifier: Notifier;
  readonly journalFeed: JournalFeed;
  readonly settings: Settings;
  /** Name of this host in machine rows. */
  readonly host: string;
  /** Aborts when the application closes. */
  readonly closing: AbortSignal;
  /** Tells plugins and the audit log of what changes nothing in the store. Never throws, never waits. */
  emit(event: NewDomainEvent): void;
  /** The same in two steps, for what does: the entry is stored with the change, and plugins are told after it. */
  noteEvent(event: NewDomainEvent): EventNote;
  /** For failures of work nobody waits for. */
  reportBackground(what: string, error: unknown): void;
  /** Does something whose failure must not stop the rest. Never rejects: it reports, and resolves to whether it worked. */
  bestEffort(what: string, work: () => Promise<unknown>): Promise<boolean>;
  setMachineState(
    machineId: string,
    userId: string,
    role: MachineRole,
    state: MachineState,
    started?: MachineStart,
  ): Promise<void>;
}

export interface EventNote {
  /** For the method of the store that makes the change. `undefined` if another program writes it. */
  readonly audit: NewAuditEntry | undefined;
  /** Tells plugins. Never throws, never waits. */
  readonly announce: () => void;
}

type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'at'> : never;
export type NewDomainEvent = WithoutTime<DomainEvent>;

/** Puts the pinned CLI of a provider on this host and returns its directory. */
export type InstallCli = (
  manifest: ProviderManifest,
  options: { readonly signal: AbortSignal; onProgress(message: string, fraction?: number): void },
) => Promise<string>;

/** The directory of a provider's pinned CLI, where it is on this host already. */
export type FindCli = (manifest: ProviderManifest) => Promise<string | undefined>;
