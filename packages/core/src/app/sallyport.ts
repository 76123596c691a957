import { createAdmission } from '../admission/admission.ts';
import { createDiskRoom } from '../admission/disk-room.ts';
import type { ReadDiskSpace } from '../contracts/disk-space.ts';
import type { Need } from '../contracts/spare-room.ts';
import type { ConnectAgent } from '../contracts/agent-client.ts';
import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { createCredentials } from './credentials.ts';
import type { Credentials } from './credentials.ts';
import { isAuditedByServer } from '../contracts/audit-types.ts';
import type { KeyRing } from '../contracts/key-ring.ts';
import { warnOfExpiry } from './expiry.ts';
import { createLedger } from '../credentials/ledger.ts';
import type { RollbackGuard } from '../contracts/rollback-guard.ts';
import type { Egress } from '../contracts/egress.ts';
import { createRefusals } from '../runtime/egress-refusals.ts';
import { createWriteBacks } from '../credentials/write-backs.ts';
import { createRateLimit } from '../runtime/rate-limit.ts';
import { createRepeatLimit } from '../runtime/repeat-limit.ts';
import { SallyportError } from '../base/errors.ts';
import { createHooks } from '../hooks/create-hooks.ts';
import { createJournalFeed } from '../runtime/journal-feed.ts';
import { createNotifier } from '../runtime/notifier.ts';
import type { CallbackPorts } from '../contracts/callback-ports.ts';
import { createHeldLogins } from '../login/held-logins.ts';
import type { HeldLogins } from '../login/held-logins.ts';
import { createLogins } from '../login/logins.ts';
import type { Logins } from '../login/logins.ts';
import type { CliRuntime } from '../cli-machine/cli-runtime.ts';
import { createCustody } from '../custody/custody.ts';
import { createCliMachines } from '../cli-machine/cli-machines.ts';
import type { MachineDriver } from '../contracts/driver.ts';
import { createMachines } from './machines.ts';
import type { Machines } from './machines.ts';
import type { AgentBundle } from '../contracts/plan.ts';
import { reconcileMachines, settleStoppedMachines } from './reconcile.ts';
import { pruneConnectLinks, pruneHistory, pruneIdempotencyKeys } from './retention.ts';
import { createUserGate } from '../runtime/user-gate.ts';
import { createUsers } from './users.ts';
import type { Users } from './users.ts';
import { recover } from './recover.ts';
import { checkRequiredOptions } from './required-options.ts';
import { createWarmPool } from '../browser-machine/warm-pool.ts';
import type { WarmPool } from '../browser-machine/warm-pool.ts';
import type { Plugin } from '../hooks/plugin.ts';
import { createPrompts } from '../prompts/prompts.ts';
import type { Prompts } from '../prompts/prompts.ts';
import type { Provider } from '../contracts/provider.ts';
import { createProviderGate } from '../provider/gate.ts';
import type { ProviderGate } from '../provider/gate.ts';
import type { ProviderPolicy } from '../provider/policy.ts';
import { createRegistry } from '../provider/registry.ts';
import type { ProviderRegistry } from '../provider/registry.ts';
import { claimHost, keepHeartbeat } from './host-claim.ts';
import type { EpochMemory } from './host-claim.ts';
import { HEARTBEAT_MS, serverSuperseded } from '../contracts/server-store.ts';
import { followSwitches, readSwitches } from './switches.ts';
import type { ProviderUsers } from './switches.ts';
import type { FindCli, InstallCli, Runtime } from '../runtime/runtime.ts';
import { defaultSettings } from '../runtime/settings.ts';
import type { Settings } from '../runtime/settings.ts';
import type { Store } from '../contracts/store.ts';

export interface SallyportOptions {
  readonly providers: readonly Provider[];
  readonly driver: MachineDriver;
  readonly store: Store;
  readonly egress: Egress;
  readonly keyRing: KeyRing;
  /**
   * Detects a store that was restored from an older backup. Default: in memory, which forgets when the process ends.
   */
  readonly rollbackGuard?: RollbackGuard;
  readonly connectAgent: ConnectAgent;
  readonly agent: AgentBundle;
  readonly installCli: InstallCli;
  /** Without it, browser machines are never prewarmed: the pool cannot tell which CLIs to mount. */
  readonly findCli?: FindCli;
  readonly callbackPorts: CallbackPorts;
  readonly plugins?: readonly Plugin[];
  readonly settings?: Partial<Settings>;
  /** Disables providers whose terms do not allow this kind of deployment. Default: disables none. */
  readonly policy?: ProviderPolicy;
  /** Of the disk on which the driver keeps machines. Absent: machines are started and hibernated until it is full. */
  readonly readDiskSpace?: ReadDiskSpace;
  readonly clock?: Clock;
  /** Returns a number from 0 up to 1. Default `Math.random`; tests pass their own. */
  readonly random?: () => number;
  /** Names this server's machines, logins and prompts in the store. Servers that share a store need different names. Default `local`. */
  readonly host?: string;
  /** Remembers the claim on that name. With it, a second server with the same name is refused while the first runs. */
  readonly epochMemory?: EpochMemory;
  /** Called once if another server has claimed this host's name. This one must stop: its rows belong to the other. */
  readonly onSuperseded?: (error: SallyportError) => void;
  /** Called when background work or an observing plugin fails. Default: prints to standard error. */
  readonly onBackgroundError?: (what: string, error: unknown) => void;
}

/** The application. The server's routes call it, and so do programs that embed it without a server. */
export interface Sallyport {
  readonly providers: ProviderRegistry;
  /** Tells which providers may be used now. */
  readonly gate: Pick<ProviderGate, 'closed'>;
  readonly logins: Logins;
  readonly heldLogins: HeldLogins;
  readonly prompts: Prompts;
  readonly credentials: Credentials;
  readonly machines: Machines;
  readonly users: Users;
  readonly warmPool: Pick<WarmPool, 'expect' | 'ready'>;
  readonly driver: MachineDriver;
  readonly store: Store;
  /**
   * Recovers what an earlier process left unfinished, then starts to stop idle machines. Call it once, before
   * anything else.
   */
  start(): Promise<void>;
  /** Ends logins and prompts and stops every machine cleanly. Does not close the store, which the caller owns. */
  close(): Promise<void>;
}

const EXPIRY_CHECK_MS = 60 * 60_000;
const LOOKING_FOR_ENDS = 'looking for logins that end soon';
const RENEWAL_CHECK_MS = 15_000;
const PRUNE_MS = 60 * 60_000;
const PRUNE_LINKS_MS = 60_000;
const IDLE_CHECK_MS = 15_000;
const RECONCILE_MS = 60_000;
/** How often to check the store for providers that an operator switched off. */
const SWITCH_CHECK_MS = 1_000;
/** How long to retry the final writes of logins and prompts before the server gives up. */
const CLOSE_PATIENCE_MS = 10_000;

/**
 * Wires driver, store, egress, key ring, providers and plugins into an application. Throws `CONFIG_INVALID` if a required
 * option is missing.
 */
export function createSallyport(options: SallyportOptions): Sallyport {
  checkRequiredOptions(options);
  const clock = options.clock ?? systemClock;
  const settings: Settings = { ...defaultSettings, ...options.settings };
  const registry = createRegistry(options.providers);
  const gate = createProviderGate(registry, options.policy);
  const closing = new AbortController();
  const reportBackground = options.onBackgroundError ?? ((what, error) => console.error(`${what}:`, error));
  const hooks = createHooks({
    plugins: options.plugins ?? [],
    clock,
    onError: (error) => reportBackground('plugin', error),
  });
  const { store, driver } = options;
  const random = options.random ?? Math.random;
  /** Entries of the audit log that are being written. */
  const auditing = new Set<Promise<void>>();

  const shared: Runtime = {
    registry,
    gate,
    userGate: createUserGate(),
    driver,
    store,
    egress: options.egress,
    refusals: createRefusals(),
    repeatLimit: createRepeatLimit({ clock }),
    rotationLimit: createRateLimit({ clock, burst: 10, everyMs: 60_000 }),
    writeBacks: createWriteBacks(),
    ledger: createLedger({
      store,
      keyRing: options.keyRing,
      registry,
      ...(options.rollbackGuard && { rollbackGuard: options.rollbackGuard }),
      onAltered: (found) => shared.emit({ type: 'credential.altered', ...found }),
    }),
    hooks,
    connectAgent: options.connectAgent,
    agentBundle: options.agent,
    installCli: options.installCli,
    findCli: options.findCli,
    callbackPorts: options.callbackPorts,
    clock,
    random,
    admission: createAdmission({
      clock,
      random,
      queue: settings.queue,
      limits: settings.capacity,
      reserve: {
        spare: () => addNeeds(warmPool.spare(), cliMachines.spare()),
        makeRoom: async () => (await warmPool.giveUp()) || cliMachines.makeRoom(),
      },
      disk: createDiskRoom(settings.disk, options.readDiskSpace),
    }),
    inHand: new Set(),
    notifier: createNotifier(clock),
    journalFeed: createJournalFeed(clock),
    settings,
    host: options.host ?? 'local',
    closing: closing.signal,
    reportBackground,
    bestEffort: async (what, work) => {
      try {
        await work();
        return true;
      } catch (error) {
        reportBackground(what, error);
        return false;
      }
    },
    noteEvent: (facts) => {
      const event = { ...facts, at: clock.now() };
      const { type, userId, at, ...data } = event;
      return {
        audit: isAuditedByServer(type) ? { at: new Date(at), type, userId, data } : undefined,
        announce: () => hooks.event(event),
      };
    },
    emit: (facts) => {
      const { audit, announce } = shared.noteEvent(facts);
      announce();
      if (!audit) return;
      const written = store.audit
        .append(audit)
        .catch((error: unknown) => reportBackground('audit', error))
        .finally(() => auditing.delete(written));
      auditing.add(written);
    },
    setMachineState: async (machineId, userId, role, state, started) => {
      const { audit, announce } = shared.noteEvent({
        type: 'machine.state',
        userId,
        machineId,
        role,
        state,
        ...(started && { started }),
      });
      await store.machines.update(machineId, { state }, audit);
      announce();
    },
  };

  const runtime: CliRuntime = { ...shared, custody: createCustody(shared) };
  driver.lendSpareRoom?.(runtime.admission.useSpareRoom);
  const cliMachines = createCliMachines(runtime);
  const warmPool = createWarmPool(runtime);
  const logins = createLogins(runtime, warmPool);
  const heldLogins = createHeldLogins(runtime);
  const prompts = createPrompts(runtime, cliMachines);
  const users: ProviderUsers = {
    endLogins: (provider, reason) => logins.endFor(provider, reason),
    drainPrompts: (provider, reason) => prompts.drain(provider, reason),
  };
  let chores = Promise.resolve<unknown>(undefined);
  let epoch: number | undefined;

  async function repeat(everyMs: number, what: string, work: () => Promise<unknown>): Promise<void> {
    while (!closing.signal.aborted) {
      await clock.sleep(everyMs, closing.signal);
      await runtime.bestEffort(what, work);
    }
  }

  return {
    providers: registry,
    gate,
    logins,
    heldLogins,
    prompts,
    credentials: createCredentials(runtime, cliMachines, prompts),
    machines: createMachines(runtime, cliMachines, prompts),
    users: createUsers(runtime, { machines: cliMachines, logins, heldLogins, prompts }),
    warmPool,
    driver,
    store,
    start: async () => {
      const { host } = runtime;
      const { servers } = store;
      epoch = await claimHost({ host, servers, memory: options.epochMemory });
      const heartbeat = keepHeartbeat({
        host,
        epoch,
        servers,
        clock,
        everyMs: HEARTBEAT_MS,
        signal: closing.signal,
        onSuperseded: () => {
          runtime.emit({ type: 'server.superseded', userId: null, host });
          options.onSuperseded?.(serverSuperseded(host));
        },
        onError: (error) => reportBackground('writing the heartbeat', error),
      });
      await recover(runtime, cliMachines);
      await readSwitches(runtime, users);
      const warn = (): Promise<void> => warnOfExpiry(runtime);
      await runtime.bestEffort(LOOKING_FOR_ENDS, warn);
      const { idleMs } = settings;
      chores = Promise.allSettled([
        heartbeat,
        runtime.bestEffort('reading the disks of stopped machines', () => settleStoppedMachines(runtime, cliMachines)),
        repeat(Math.min(IDLE_CHECK_MS, idleMs), 'putting machines to rest', () => cliMachines.stopIdle(idleMs)),
        repeat(RECONCILE_MS, 'looking for machines that were left behind', () =>
          reconcileMachines(runtime, cliMachines),
        ),
        repeat(SWITCH_CHECK_MS, 'following the switches of providers', () => followSwitches(runtime, users)),
        repeat(EXPIRY_CHECK_MS, LOOKING_FOR_ENDS, warn),
        repeat(PRUNE_MS, 'deleting old logins and prompts', () => pruneHistory(runtime)),
        repeat(PRUNE_LINKS_MS, 'deleting connect links that are over', () => pruneConnectLinks(runtime, heldLogins)),
        repeat(PRUNE_MS, 'deleting old idempotency keys', () => pruneIdempotencyKeys(runtime)),
        ...(settings.keepAlive.beforeMs > 0
          ? [repeat(RENEWAL_CHECK_MS, 'refreshing logins that end soon', () => cliMachines.keepAlive())]
          : []),
      ]);
    },
    close: async () => {
      const ended = Promise.all([logins.endAll(loginInterrupted), prompts.endAll(promptInterrupted)]);
      // While the store is unavailable the final events cannot be written; the next start writes them.
      const patience = new AbortController();
      await Promise.race([ended, clock.sleep(CLOSE_PATIENCE_MS, patience.signal).catch(() => undefined)]);
      patience.abort();
      closing.abort();
      await ended;
      await chores;
      await warmPool.closed();
      await cliMachines.stopAll('server-stopping');
      runtime.repeatLimit.flush();
      // The caller closes the store next.
      await Promise.all(auditing);
      if (epoch !== undefined) {
        const claimed = epoch;
        await runtime.bestEffort('giving up the host', () => store.servers.release(runtime.host, claimed));
      }
    },
  };
}

function addNeeds(one: Need, other: Need): Need {
  return { memoryMb: one.memoryMb + other.memoryMb, vcpus: one.vcpus + other.vcpus };
}

function loginInterrupted(): SallyportError {
  return new SallyportError('LOGIN_INTERRUPTED', 'The server was stopped during this login.');
}

function promptInterrupted(): SallyportError {
  const hint = 'Send the prompt again.';
  return new SallyportError('PROMPT_FAILED', 'The server was stopped while this prompt ran.', { hint });
}
