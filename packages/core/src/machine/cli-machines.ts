import { SallyportError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { MachineRecord } from '../store/store.ts';
import { bootMachine } from './boot.ts';
import type { RunningMachine } from './boot.ts';
import { giveBackAll, harvestCredentials, injectCredentials, removeCredential, staleProviders, watchCredentials } from './credential-exchange.ts';
import type { Machine } from './driver.ts';
import { newMachineId } from './ids.ts';

/** A person's CLI machine while it runs. */
export interface CliMachine {
  readonly userId: string;
  readonly running: RunningMachine;
  /** Providers whose CLI it can run. */
  readonly providers: ReadonlySet<string>;
  /** Prompts under way. */
  active: number;
  /** Monotonic time of the last use. */
  lastUsed: number;
  /** No new prompts: it is about to be stopped. */
  draining: boolean;
}

export interface CliMachines {
  /**
   * The person's machine, up, with the newest credentials. Single-flight per person. The caller holds it
   * until `release`, so that it is not put to rest in between.
   */
  acquire(request: { userId: string; provider: string; signal: AbortSignal; onProgress(state: 'starting' | 'waking', message: string): void }): Promise<CliMachine>;
  release(machine: CliMachine): void;
  /** Stops the machine cleanly: capture, stop, harvest. No-op when it does not run. */
  stop(userId: string, reason: string): Promise<void>;
  /** Stops it and removes it from this host, disk and all. */
  destroy(userId: string): Promise<void>;
  /** Stops the machine and removes one provider's files from its disk, after `erase` has emptied the ledger. */
  forget(userId: string, provider: string, erase: () => Promise<void>): Promise<void>;
  /** Stops every machine that nobody used for `idleMs`. */
  stopIdle(idleMs: number): Promise<void>;
  stopAll(reason: string): Promise<void>;
}

export function createCliMachines(runtime: Runtime): CliMachines {
  const up = new Map<string, CliMachine>();
  const flights = new Map<string, Promise<unknown>>();

  /** One operation at a time for each person; the next starts when the one before has ended, well or not. */
  function exclusively<T>(userId: string, work: () => Promise<T>): Promise<T> {
    const before = flights.get(userId) ?? Promise.resolve();
    const flight = before.catch(() => undefined).then(work);
    flights.set(userId, flight);
    const forget = (): void => {
      if (flights.get(userId) === flight) flights.delete(userId);
    };
    flight.then(forget, forget);
    return flight;
  }

  async function bringUp(request: Parameters<CliMachines['acquire']>[0]): Promise<CliMachine> {
    const { userId, provider, signal } = request;
    const current = up.get(userId);
    if (current) {
      const stale = await staleProviders(runtime, userId, current.running.id);
      if (stale.length === 0 && current.providers.has(provider)) return current;
      request.onProgress('starting', 'The machine is restarted to use the newest login.');
      await drain(current, signal);
      await takeDown(current, 'credential-changed');
    } else {
      request.onProgress('starting', 'Your machine is being started.');
    }
    return boot(request);
  }

  async function boot(request: Parameters<CliMachines['acquire']>[0]): Promise<CliMachine> {
    const { userId, provider, signal } = request;
    const connected = await runtime.store.credentials.list(userId);
    const providers = new Set([provider, ...connected.map((credential) => credential.provider)].filter((id) => runtime.registry.has(id)));
    const manifests = [...providers].map((id) => runtime.registry.get(id).manifest);
    const clis = await Promise.all(
      manifests.map(async (manifest) => ({
        provider: manifest.id,
        directory: await runtime.installCli(manifest, { signal, onProgress: (message) => request.onProgress('starting', message) }),
      })),
    );
    const { record, existing } = await findOrReserve(userId);
    const running = await bootMachine(runtime, {
      machineId: record.machineId,
      userId,
      provider,
      sessionId: undefined,
      role: 'cli',
      memoryMb: Math.max(384, ...manifests.map((manifest) => manifest.needs.memoryMb)),
      desktop: false,
      clis,
      hosts: [...new Set([...manifests.flatMap((manifest) => manifest.egress.cli), ...runtime.settings.workHosts])],
      ...(existing && { existing }),
      beforeStart: async (machine) => {
        await harvestCredentials(runtime, userId, machine);
        await injectCredentials(runtime, { userId, machine, driver: runtime.driver.name, signal });
      },
      signal,
    });
    const entry: CliMachine = { userId, running, providers, active: 0, lastUsed: runtime.clock.monotonic(), draining: false };
    up.set(userId, entry);
    void running.machine.exited.then(() => onExit(entry));
    await watchCredentials(runtime, entry);
    return entry;
  }

  /** The person's machine as a row and, where it still exists on this host, as a machine. */
  async function findMachine(userId: string): Promise<{ record: MachineRecord; existing: Machine | undefined } | undefined> {
    const user = await runtime.store.users.get(userId);
    const record = user?.machineId ? await runtime.store.machines.get(user.machineId) : undefined;
    if (!record || record.state === 'destroyed') return undefined;
    const ref = (await runtime.driver.list()).find((candidate) => candidate.machineId === record.machineId);
    return { record, existing: ref && (await runtime.driver.adopt(ref)) };
  }

  async function findOrReserve(userId: string): Promise<{ record: MachineRecord; existing: Machine | undefined }> {
    const known = await findMachine(userId);
    if (known?.existing) return known;
    if (known) {
      await runtime.setMachineState(known.record.machineId, userId, 'cli', 'lost');
      await giveBackAll(runtime, known.record);
    }
    const machineId = newMachineId();
    const record = await runtime.store.machines.create({
      machineId,
      userId,
      role: 'cli',
      driver: runtime.driver.name,
      host: runtime.host,
      vcpus: 1,
      memoryMb: 384,
    });
    await runtime.store.users.setMachine(userId, machineId);
    return { record, existing: undefined };
  }

  async function drain(entry: CliMachine, signal: AbortSignal): Promise<void> {
    entry.draining = true;
    const until = runtime.clock.monotonic() + runtime.settings.drainMs;
    while (entry.active > 0 && runtime.clock.monotonic() < until) await runtime.clock.sleep(100, signal);
  }

  async function takeDown(entry: CliMachine, reason: string): Promise<void> {
    const { running, userId } = entry;
    entry.draining = true;
    up.delete(userId);
    await runtime.setMachineState(running.id, userId, 'cli', 'stopping');
    await runtime.hooks.machineStopping(running.view('stopping'), { userId, provider: undefined, sessionId: undefined, signal: runtime.closing }, reason);
    await running.machine.stop({ deadlineMs: 5_000 });
    await running.route.close();
    await harvestCredentials(runtime, userId, running.machine);
    await runtime.setMachineState(running.id, userId, 'cli', 'stopped');
  }

  /** The machine ended by itself: crashed, or was killed. Its disk may hold a rotation nobody saw. */
  function onExit(entry: CliMachine): void {
    if (up.get(entry.userId) !== entry) return;
    up.delete(entry.userId);
    entry.draining = true;
    void exclusively(entry.userId, async () => {
      await entry.running.route.close();
      await harvestCredentials(runtime, entry.userId, entry.running.machine);
      await runtime.setMachineState(entry.running.id, entry.userId, 'cli', 'stopped');
    }).catch((error: unknown) => runtime.reportBackground('harvest after the machine ended', error));
  }

  return {
    acquire: async (request) => {
      const machine = await exclusively(request.userId, async () => {
        const entry = await bringUp(request);
        entry.active += 1;
        entry.lastUsed = runtime.clock.monotonic();
        return entry;
      });
      return machine;
    },
    release: (machine) => {
      machine.active -= 1;
      machine.lastUsed = runtime.clock.monotonic();
    },
    stop: (userId, reason) =>
      exclusively(userId, async () => {
        const entry = up.get(userId);
        if (entry) await takeDown(entry, reason);
      }),
    destroy: (userId) =>
      exclusively(userId, async () => {
        const entry = up.get(userId);
        if (entry) await takeDown(entry, 'destroy');
        const known = await findMachine(userId);
        if (!known) throw new SallyportError('MACHINE_UNKNOWN', 'There is no machine to destroy.');
        await known.existing?.destroy();
        await runtime.setMachineState(known.record.machineId, userId, 'cli', 'destroyed');
        await giveBackAll(runtime, known.record);
        await runtime.store.users.setMachine(userId, null);
      }),
    forget: (userId, provider, erase) =>
      exclusively(userId, async () => {
        const entry = up.get(userId);
        if (entry) await takeDown(entry, 'disconnected');
        await erase();
        const known = await findMachine(userId);
        if (known?.existing) await removeCredential(runtime, known.existing, provider);
      }),
    stopIdle: async (idleMs) => {
      const now = runtime.clock.monotonic();
      const idle = [...up.values()].filter((entry) => entry.active === 0 && !entry.draining && now - entry.lastUsed >= idleMs);
      await Promise.all(
        idle.map((entry) =>
          exclusively(entry.userId, async () => {
            if (up.get(entry.userId) === entry && entry.active === 0) await takeDown(entry, 'idle');
          }),
        ),
      );
    },
    stopAll: async (reason) => {
      await Promise.all([...up.values()].map((entry) => exclusively(entry.userId, async () => {
        if (up.get(entry.userId) === entry) await takeDown(entry, reason);
      })));
    },
  };
}
