import { SallyportError } from '../base/errors.ts';
import { orAborted } from '../base/serial-queue.ts';
import type { Arrivals } from './arrivals.ts';
import type { CliMachines } from './cli-machines.ts';
import type { CliRuntime } from './cli-runtime.ts';
import { newPatience } from './patience.ts';
import { freeTopic } from './running-machines.ts';
import type { RunningMachines } from './running-machines.ts';
import type { Transitions } from './transitions.ts';

/** A machine under load answers more slowly than an idle one, but a dead one refuses at once. */
const HEALTH_MS = 5_000;

export interface CliMachineParts {
  readonly machines: RunningMachines;
  readonly transitions: Transitions;
  readonly arrivals: Arrivals;
}

/** Lends running machines to prompts and to those who look into them. */
export function createPool(
  runtime: CliRuntime,
  { machines, transitions, arrivals }: CliMachineParts,
): Pick<CliMachines, 'acquire' | 'release' | 'borrow' | 'doubt'> {
  return {
    acquire: (request) =>
      arrivals.serve(request.userId, request.provider, async (dismissed) => {
        const signal = AbortSignal.any([request.signal, dismissed]);
        const begun = Promise.withResolvers<void>();
        const flight = machines.exclusively(request.userId, async () => {
          signal.throwIfAborted();
          begun.resolve();
          if (machines.closed)
            throw new SallyportError('MACHINE_FAILED', 'The server is shutting down.', {
              hint: 'Send the prompt again.',
            });
          const entry = await transitions.wakeOrStart({ ...request, dismissed });
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
      machine.patience = newPatience(runtime);
      runtime.notifier.ring(freeTopic(machine));
    },
    borrow: (userId, machineId) => {
      const entry = machines.up.get(userId);
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
      await entry.running.agent.health(deadline.signal).catch(() => transitions.exited(entry));
    },
  };
}
