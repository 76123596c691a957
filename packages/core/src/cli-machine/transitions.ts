import { createSerialQueue } from '../base/serial-queue.ts';
import type { CliMachine } from './cli-machine.ts';
import type { CliRuntime } from './cli-runtime.ts';
import { findOwner } from './find-cli-machine.ts';
import { newPatience } from './patience.ts';
import { freeTopic } from './running-machines.ts';
import type { RunningMachines } from './running-machines.ts';
import { startCliMachine } from './start-cli-machine.ts';
import type { StartCliMachine } from './start-cli-machine.ts';
import { stopOrHibernate } from './stop-or-hibernate.ts';
import { wakeCliMachine } from './wake-cli-machine.ts';

/** How a user's machine begins and ends to run. All but `exited` must be called in the user's queue. */
export interface Transitions {
  /** Returns the user's machine, running, with the newest credentials; restarts it for them if it must. */
  wakeOrStart(request: StartCliMachine): Promise<CliMachine>;
  /** Stops or hibernates the user's machine, if it runs. With a signal, running prompts get some time to end first. */
  rest(userId: string, reason: string, drainUntil?: AbortSignal): Promise<void>;
  /**
   * Handles a machine that crashed or was killed. Its disk may hold an unnoticed rotation. Cleanup runs once, in the
   * user's queue: an earlier caller may start the machine again, and must not have the new start mistaken for the one
   * that ended.
   */
  exited(machine: CliMachine): void;
}

export function createTransitions(runtime: CliRuntime, machines: RunningMachines): Transitions {
  async function wakeOrStart(request: StartCliMachine): Promise<CliMachine> {
    const { userId, provider, signal } = request;
    const current = machines.up.get(userId);
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
    const patience = newPatience(runtime);
    const entry: CliMachine = { userId, running, providers, withheld, damaged, ...fresh, lastUsed, patience };
    machines.up.set(userId, entry);
    void running.machine.exited.then(() => exited(entry));
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

  async function rest(userId: string, reason: string, drainUntil?: AbortSignal): Promise<void> {
    const entry = machines.up.get(userId);
    if (!entry) return;
    if (drainUntil) await drain(entry, drainUntil);
    machines.up.delete(userId);
    const work = { kind: 'rest', machineId: entry.running.id, userId } as const;
    await runtime.admission.clear(work, () => stopOrHibernate(runtime, entry, entry.ended ? 'ended' : reason));
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

  function exited(entry: CliMachine): void {
    entry.ended = true;
    runtime.notifier.ring(freeTopic(entry));
    stopInTurn(entry, 'ended');
  }

  function stopInTurn(entry: CliMachine, reason: string): void {
    void machines.exclusively(entry.userId, async () => {
      if (machines.up.get(entry.userId) === entry) await rest(entry.userId, reason);
    });
  }

  return { wakeOrStart, rest, exited };
}
