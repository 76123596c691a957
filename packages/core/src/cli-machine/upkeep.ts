import type { CliMachine } from './cli-machine.ts';
import type { CliMachines } from './cli-machines.ts';
import type { CliRuntime } from './cli-runtime.ts';
import { refreshCredentials } from './refresh-credentials.ts';
import type { CliMachineParts } from './pool.ts';

/** Looks after the machines that run: idle ones stop, old logins are refreshed, and others get their room. */
export function createUpkeep(
  runtime: CliRuntime,
  { machines, transitions }: Pick<CliMachineParts, 'machines' | 'transitions'>,
): Pick<CliMachines, 'keepAlive' | 'stopIdle' | 'isUp' | 'spare' | 'makeRoom' | 'whileResting' | 'stopAll'> {
  /** Machines that can be stopped at once: without prompts, and without queued work for their users. */
  function spareMachines(): readonly CliMachine[] {
    const before = runtime.clock.monotonic() - runtime.settings.capacity.spareAfterMs;
    const isSpare = (entry: CliMachine): boolean =>
      machines.isUnused(entry) && entry.lastUsed <= before && !machines.lines.isBusy(entry.userId);
    return [...machines.up.values()].filter(isSpare).toSorted((one, other) => one.lastUsed - other.lastUsed);
  }

  return {
    stopIdle: async (idleMs) => {
      const isIdle = (entry: CliMachine): boolean =>
        machines.up.get(entry.userId) === entry &&
        entry.active === 0 &&
        runtime.clock.monotonic() - entry.lastUsed >= idleMs * entry.patience;
      const idle = [...machines.up.values()].filter(isIdle);
      await Promise.all(
        idle.map((entry) =>
          machines.exclusively(entry.userId, async () => {
            // A prompt may have arrived while this was queued.
            if (isIdle(entry)) await transitions.rest(entry.userId, 'idle');
          }),
        ),
      );
    },
    keepAlive: () =>
      refreshCredentials(runtime, {
        machines: [...machines.up.values()],
        isFree: (entry) => machines.isUnused(entry) && !machines.closed,
        exclusively: machines.exclusively,
      }),
    isUp: (userId) => machines.up.get(userId)?.ended === false,
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
      await machines.exclusively(found.userId, () => transitions.rest(found.userId, 'make-room'));
      return true;
    },
    whileResting: async (userId, machineId, work) => {
      const isHere = (): boolean => machines.up.get(userId)?.running.id === machineId;
      if (isHere() || machines.lines.isBusy(userId)) return;
      await machines.exclusively(userId, work);
    },
    stopAll: async (reason) => {
      machines.closed = true;
      const users = new Set([...machines.up.keys(), ...machines.lines.names()]);
      await Promise.all(
        [...users].map((userId) => machines.exclusively(userId, () => transitions.rest(userId, reason))),
      );
    },
  };
}
