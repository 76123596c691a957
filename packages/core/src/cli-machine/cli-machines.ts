import type { CliMachine } from './cli-machine.ts';
import type { Need } from '../contracts/spare-room.ts';
import { SallyportError } from '../base/errors.ts';
import { createArrivals } from './arrivals.ts';
import { createSerialQueue, createSerialQueues, orAborted } from '../base/serial-queue.ts';
import type { CliRuntime } from './cli-runtime.ts';
import { findCliMachine, findOwner } from './find-cli-machine.ts';
import { logOut, revocableLogins } from './log-out.ts';
import { LOGOUT_MS } from './run-logout.ts';
import type { VendorRevoked } from './run-logout.ts';
import { refreshCredentials } from './refresh-credentials.ts';
import { stopOrHibernate } from './stop-or-hibernate.ts';
import { startCliMachine } from './start-cli-machine.ts';
import type { StartCliMachine } from './start-cli-machine.ts';
import { wakeCliMachine } from './wake-cli-machine.ts';

export interface CliMachines {
  /**
   * Returns the user's machine, running, with the newest credentials. Single-flight per user. The machine is not
   * stopped until the caller calls `release`.
   */
  acquire(request: StartCliMachine): Promise<CliMachine>;
  release(machine: CliMachine): void;
  /**
   * Returns a machine that runs, to look into it. It is not stopped until the caller calls `release`. Throws
   * `MACHINE_ASLEEP` where it does not run: looking does not start it.
   */
  borrow(userId: string, machineId: string): CliMachine;
  /**
   * Checks a machine whose agent closed the connection. If the agent does not answer, the machine counts as ended and
   * the next use starts it again.
   */
  doubt(machine: CliMachine): Promise<void>;
  /** Hibernates the machine until the next use or {@link CliMachines.wake}. Refuses while it runs a prompt. */
  hibernate(userId: string, machineId: string): Promise<void>;
  /** Stops one of the user's machines and removes it and its disk from this host. */
  destroy(userId: string, machineId: string): Promise<void>;
  /**
   * Stops the machine and removes one provider's files and home from its disk, once `erase` has deleted the credential
   * from the ledger. Before that, tries to log out at the vendor for up to 30 s, and returns what came of it.
   */
  forget(userId: string, provider: string, erase: () => Promise<void>): Promise<VendorRevoked>;
  /** Tries to log the user out at every vendor, for up to 30 s. Never rejects. */
  logOut(userId: string): Promise<void>;
  /** Refreshes credentials that expire soon on running machines without prompts. */
  keepAlive(): Promise<void>;
  /** Hibernates every machine that was not used for `idleMs`, or stops it if it cannot hibernate. */
  stopIdle(idleMs: number): Promise<void>;
  /** Whether the user's machine is running, so that a prompt needs no other. */
  isUp(userId: string): boolean;
  /** Resources of the machines that {@link CliMachines.makeRoom} may stop. */
  spare(): Need;
  /** Hibernates or stops the least recently used machine that has been idle long enough. Returns false if there is none. */
  makeRoom(): Promise<boolean>;
  /** Does something to a user's machine that does not run here. Does nothing if it runs, starts or ends. */
  whileResting(userId: string, machineId: string, work: () => Promise<void>): Promise<void>;
  /** Stops every machine and refuses to start more. */
  stopAll(reason: string): Promise<void>;
}

/** A machine under load answers more slowly than an idle one, but a dead one refuses at once. */
const HEALTH_MS = 5_000;

export function createCliMachines(runtime: CliRuntime): CliMachines {
  const up = new Map<string, CliMachine>();
  /** Serializes operations per user. An operation starts when the one before has ended or failed. */
  const lines = createSerialQueues();
  const exclusively = <T>(userId: string, work: () => Promise<T>): Promise<T> => lines.enqueue(userId, work);
  const arrivals = createArrivals();
  let closed = false;

  async function wakeOrStart(request: StartCliMachine): Promise<CliMachine> {
    const { userId, provider, signal } = request;
    const current = up.get(userId);
    if (current) {
      const { withheld, running } = current;
      const stale = await current.intake(() => runtime.custody.staleNow(userId, running.id, withheld));
      const isUsable = stale.length === 0 && !current.damaged.has(provider);
      if (!current.ended && isUsable && current.providers.has(provider)) {
        if (!withheld.has(provider)) return current;
        await checkWithheld(request, running.id);
      }
    }
    const restarts = current !== undefined && !current.ended;
    if (restarts) request.onProgress('starting', 'The machine is restarted to use the newest login.');
    await rest(userId, 'credential-changed', signal);
    return boot(request, restarts);
  }

  /** The credential was kept off the machine. Until that changes, do not disturb other prompts with a restart. */
  async function checkWithheld({ userId, provider, signal }: StartCliMachine, machineId: string): Promise<void> {
    const credential = await runtime.store.credentials.current(userId, provider);
    if (credential) await runtime.custody.check(credential, { userId, machineId, signal });
  }

  async function boot(request: StartCliMachine, restarts: boolean): Promise<CliMachine> {
    const { userId } = request;
    const owner = await findOwner(runtime, userId);
    const woken = restarts ? undefined : await wakeCliMachine(runtime, request, owner);
    if (!woken && !restarts) request.onProgress('starting', 'Your machine is being started.');
    const { running, providers, withheld } = woken ?? (await startCliMachine(runtime, request, owner));
    const lastUsed = runtime.clock.monotonic();
    const fresh = {
      intake: createSerialQueue(),
      offerListeners: new Set<never>(),
      active: 0,
      refreshes: new Map<string, number>(),
      ended: false,
    };
    const damaged = new Set<string>();
    const patience = newPatience();
    const entry: CliMachine = { userId, running, providers, withheld, damaged, ...fresh, lastUsed, patience };
    up.set(userId, entry);
    void running.machine.exited.then(() => onExit(entry));
    running.noted.catch(() => stopInTurn(entry, 'not-started'));
    try {
      await runtime.custody.watch(entry);
    } catch (error) {
      // If it is not watched, its next rotation would go unnoticed until it stops.
      await rest(userId, 'not-started');
      throw error;
    }
    return entry;
  }

  /** Stops or hibernates the user's machine, if it runs. With a signal, running prompts get some time to end first. */
  async function rest(userId: string, reason: string, drainUntil?: AbortSignal): Promise<void> {
    const entry = up.get(userId);
    if (!entry) return;
    if (drainUntil) await drain(entry, drainUntil);
    up.delete(userId);
    const work = { kind: 'rest', machineId: entry.running.id, userId } as const;
    await runtime.admission.clear(work, () => stopOrHibernate(runtime, entry, entry.ended ? 'ended' : reason));
  }

  /** Starts the machine if it does not run. Must be called in the user's queue. Never rejects. */
  async function logOutAtVendors(userId: string, only?: string): Promise<ReadonlyMap<string, VendorRevoked>> {
    let outcomes: ReadonlyMap<string, VendorRevoked> = new Map();
    await runtime.bestEffort('logging a user out at a vendor', async () => {
      const logins = await revocableLogins(runtime, userId, only);
      const [provider] = logins;
      if (provider === undefined || closed || (await isElsewhere(userId))) return;
      using deadline = runtime.clock.deadline(LOGOUT_MS, logoutTooLong, runtime.closing);
      const noRoom = new AbortController();
      const signal = AbortSignal.any([deadline.signal, noRoom.signal]);
      // An erasure does not wait until other users' machines make room.
      const onProgress = (state: string): void => {
        if (state === 'queued') noRoom.abort(new SallyportError('MACHINE_BUSY', 'There is no room for a logout.'));
      };
      const entry = await wakeOrStart({ userId, provider, signal, onProgress });
      outcomes = await logOut(runtime, entry, logins, signal);
    });
    return outcomes;
  }

  /** A start here would replace a machine of another host. */
  async function isElsewhere(userId: string): Promise<boolean> {
    const known = await findCliMachine(runtime, userId);
    return known !== undefined && known.record.host !== runtime.host;
  }

  function disconnected(provider: string): SallyportError {
    const { title } = runtime.registry.get(provider).manifest;
    return new SallyportError('CREDENTIAL_NOT_CONNECTED', `${title} was disconnected while this waited for a machine.`);
  }

  function newPatience(): number {
    return 1 + runtime.settings.idleJitter * runtime.random();
  }

  function isUnused(entry: CliMachine): boolean {
    return up.get(entry.userId) === entry && entry.active === 0 && !entry.ended;
  }

  /** Machines that can be stopped at once: without prompts, and without queued work for their users. */
  function spareMachines(): readonly CliMachine[] {
    const before = runtime.clock.monotonic() - runtime.settings.capacity.spareAfterMs;
    const isSpare = (entry: CliMachine): boolean =>
      isUnused(entry) && entry.lastUsed <= before && !lines.isBusy(entry.userId);
    return [...up.values()].filter(isSpare).toSorted((one, other) => one.lastUsed - other.lastUsed);
  }

  async function drain(entry: CliMachine, signal: AbortSignal): Promise<void> {
    const { clock, notifier, settings } = runtime;
    const until = clock.monotonic() + settings.drainMs;
    while (entry.active > 0 && !entry.ended) {
      const leftMs = until - clock.monotonic();
      if (leftMs <= 0) return;
      await notifier.wait(freeTopic(entry), leftMs, signal);
    }
  }

  /**
   * Handles a machine that crashed or was killed. Its disk may hold an unnoticed rotation. Cleanup runs once, in the
   * user's queue: an earlier caller may start the machine again, and must not have the new start mistaken for the one
   * that ended.
   */
  function onExit(entry: CliMachine): void {
    entry.ended = true;
    runtime.notifier.ring(freeTopic(entry));
    stopInTurn(entry, 'ended');
  }

  function stopInTurn(entry: CliMachine, reason: string): void {
    void exclusively(entry.userId, async () => {
      if (up.get(entry.userId) === entry) await rest(entry.userId, reason);
    });
  }

  return {
    acquire: (request) =>
      arrivals.serve(request.userId, request.provider, async (dismissed) => {
        const signal = AbortSignal.any([request.signal, dismissed]);
        const begun = Promise.withResolvers<void>();
        const flight = exclusively(request.userId, async () => {
          signal.throwIfAborted();
          begun.resolve();
          if (closed)
            throw new SallyportError('MACHINE_FAILED', 'The server is shutting down.', {
              hint: 'Send the prompt again.',
            });
          const entry = await wakeOrStart({ ...request, dismissed });
          entry.active += 1;
          entry.lastUsed = runtime.clock.monotonic();
          return entry;
        });
        // A caller that gives up while others are served need not wait for them. A caller that is being served cleans
        // up first.
        flight.catch(() => undefined);
        await orAborted(signal, begun.promise);
        return flight;
      }),
    release: (machine) => {
      machine.active -= 1;
      machine.lastUsed = runtime.clock.monotonic();
      machine.patience = newPatience();
      runtime.notifier.ring(freeTopic(machine));
    },
    borrow: (userId, machineId) => {
      const entry = up.get(userId);
      if (!entry || entry.running.id !== machineId || entry.ended)
        throw new SallyportError('MACHINE_ASLEEP', `Machine ${machineId} is not running, so its files cannot be read.`);
      entry.active += 1;
      entry.lastUsed = runtime.clock.monotonic();
      return entry;
    },
    doubt: async (entry) => {
      const { clock, closing } = runtime;
      using deadline = clock.deadline(HEALTH_MS, () => new SallyportError('AGENT_UNREACHABLE', 'No answer.'), closing);
      // The driver reports an exit only once everything is gone, which is too late for the next prompt.
      await entry.running.agent.health(deadline.signal).catch(() => onExit(entry));
    },
    hibernate: (userId, machineId) =>
      exclusively(userId, async () => {
        const entry = up.get(userId);
        if (entry?.running.id !== machineId) {
          if ((await runtime.store.machines.get(machineId))?.state === 'hibernated') return;
          throw new SallyportError('MACHINE_BUSY', `Machine ${machineId} is not running.`, {
            hint: 'Only a running machine can hibernate. The next prompt starts it.',
          });
        }
        if (entry.active > 0)
          throw new SallyportError(
            'MACHINE_BUSY',
            `Machine ${machineId} is running a prompt, or a file is read from it.`,
            {
              hint: 'Wait until that ends, or cancel the prompt.',
            },
          );
        await rest(userId, 'hibernate');
        if ((await runtime.store.machines.get(machineId))?.state !== 'hibernated')
          throw new SallyportError('MACHINE_FAILED', `Machine ${machineId} could not hibernate and was stopped.`);
      }),
    destroy: async (userId, machineId) => {
      const isTheirs = (await runtime.store.users.get(userId))?.machineId === machineId;
      const anybody = isTheirs && arrivals.dismiss(userId, () => destroyed(machineId));
      await exclusively(userId, async () => {
        const isCurrent = up.get(userId)?.running.id === machineId;
        if (isCurrent) await rest(userId, 'destroy');
        const known = await findCliMachine(runtime, userId, machineId);
        // The machine was not created yet, and its caller has given up.
        if (!known && anybody) return;
        if (!known) throw new SallyportError('MACHINE_UNKNOWN', 'This user does not have a machine.');
        const { record, existing } = known;
        await runtime.admission.clear({ kind: 'destroy', machineId, userId }, async () => {
          if (!existing) return;
          await existing.stop({ deadlineMs: 2_000 });
          await runtime.bestEffort(`harvesting machine ${machineId}`, () => runtime.custody.settle(userId, existing));
          await existing.destroy();
        });
        await runtime.custody.lose(record, { forGood: true });
        if ((await runtime.store.users.get(userId))?.machineId === machineId)
          await runtime.store.users.setMachine(userId, null);
        await runtime.setMachineState(machineId, userId, 'cli', 'destroyed');
      });
    },
    forget: async (userId, provider, erase) => {
      arrivals.dismiss(userId, (theirs) => (theirs === provider ? disconnected(provider) : 'again'));
      return exclusively(userId, async () => {
        const revoked = (await logOutAtVendors(userId, provider)).get(provider) ?? false;
        await rest(userId, 'disconnected', runtime.closing);
        await erase();
        const known = await findCliMachine(runtime, userId);
        if (!known?.existing) return revoked;
        // The disk of a hibernating machine cannot be written.
        await known.existing.stop({ deadlineMs: 2_000 });
        await runtime.custody.remove(known.existing, provider);
        await known.existing.disk.eraseHome?.(provider);
        if (known.record.state === 'hibernated')
          await runtime.setMachineState(known.record.machineId, userId, 'cli', 'stopped');
        return revoked;
      });
    },
    logOut: (userId) => exclusively(userId, async () => void (await logOutAtVendors(userId))),
    stopIdle: async (idleMs) => {
      const isIdle = (entry: CliMachine): boolean =>
        up.get(entry.userId) === entry &&
        entry.active === 0 &&
        runtime.clock.monotonic() - entry.lastUsed >= idleMs * entry.patience;
      const idle = [...up.values()].filter(isIdle);
      await Promise.all(
        idle.map((entry) =>
          exclusively(entry.userId, async () => {
            // A prompt may have arrived while this was queued.
            if (isIdle(entry)) await rest(entry.userId, 'idle');
          }),
        ),
      );
    },
    keepAlive: () =>
      refreshCredentials(runtime, {
        machines: [...up.values()],
        isFree: (entry) => isUnused(entry) && !closed,
        exclusively,
      }),
    isUp: (userId) => up.get(userId)?.ended === false,
    spare: () => {
      const plans = spareMachines().map(({ running }) => running.plan);
      return {
        memoryMb: plans.reduce((sum, { memoryMb }) => sum + memoryMb, 0),
        vcpus: plans.reduce((sum, { vcpus }) => sum + vcpus, 0),
      };
    },
    makeRoom: async () => {
      const [found] = spareMachines();
      if (!found) return false;
      // The user's queue is empty, so this starts at once: the caller may be blocking others.
      await exclusively(found.userId, () => rest(found.userId, 'make-room'));
      return true;
    },
    whileResting: async (userId, machineId, work) => {
      const isHere = (): boolean => up.get(userId)?.running.id === machineId;
      if (isHere() || lines.isBusy(userId)) return;
      await exclusively(userId, work);
    },
    stopAll: async (reason) => {
      closed = true;
      const users = new Set([...up.keys(), ...lines.names()]);
      await Promise.all([...users].map((userId) => exclusively(userId, () => rest(userId, reason))));
    },
  };
}

function destroyed(machineId: string): SallyportError {
  const message = `Machine ${machineId} was destroyed while this waited for it to be started.`;
  return new SallyportError('MACHINE_FAILED', message, { hint: 'The next prompt creates a new machine.' });
}

function logoutTooLong(): SallyportError {
  return new SallyportError('AGENT_UNREACHABLE', `The logout did not end within ${LOGOUT_MS / 1000} s.`);
}

/** Notified when a prompt releases the machine. */
function freeTopic(entry: CliMachine): string {
  return `free:${entry.running.id}`;
}
