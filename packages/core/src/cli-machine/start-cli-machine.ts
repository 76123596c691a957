import type { CliRuntime } from './cli-runtime.ts';
import { provisionMachine } from '../machine/provision-machine.ts';
import type { RunningMachine } from '../machine/provision-machine.ts';
import { cliMachineNeeds } from './cli-machine-needs.ts';
import type { Withheld } from '../custody/holder.ts';
import { findCliMachine, keepOrReserve } from './find-cli-machine.ts';
import type { FoundMachine, Owner } from './find-cli-machine.ts';

export interface StartCliMachine {
  readonly userId: string;
  /** The provider that needs the machine. The machine also gets every other provider that the user has connected. */
  readonly provider: string;
  readonly signal: AbortSignal;
  /** Aborts the wait for a turn, but not a start in progress. */
  readonly dismissed?: AbortSignal;
  onProgress(state: 'queued' | 'starting' | 'waking', message: string): void;
}

export interface StartedCliMachine {
  readonly running: RunningMachine;
  readonly providers: ReadonlySet<string>;
  readonly withheld: ReadonlyMap<string, Withheld>;
}

/**
 * Starts the user's CLI machine with the newest version of every credential on its disk. Creates the machine if
 * necessary.
 */
export async function startCliMachine(
  runtime: CliRuntime,
  request: StartCliMachine,
  { user, known, credentials }: Owner,
): Promise<StartedCliMachine> {
  const { userId, provider, signal } = request;
  // A wake may have been attempted since.
  const newest = known && (await findCliMachine(runtime, userId, known.record.machineId));
  const ids = [provider, ...credentials.map((credential) => credential.provider)];
  const providers = new Set(ids.filter((id) => runtime.registry.has(id)));
  const needs = await cliMachineNeeds(runtime, providers, {
    signal,
    onProgress: (message) => request.onProgress('starting', message),
  });
  const found = await keepOrReserve(runtime, newest, { userId, memoryMb: needs.memoryMb });
  const { existing } = found;
  let withheld: ReadonlyMap<string, Withheld> = new Map();
  let begun = false;
  try {
    const running = await provisionMachine(runtime, {
      ...needs,
      machineId: found.record.machineId,
      userId,
      user,
      provider,
      ...(existing && { existing }),
      onQueued: (message) => request.onProgress('queued', message),
      beforeStart: async (machine, deadline) => {
        begun = true;
        if (existing) {
          // It may still be running if an earlier stop failed. Its disk is safe only after a stop.
          await existing.stop({ deadlineMs: 2_000 });
          await runtime.custody.settle(userId, machine);
        }
        const release = { userId, machineId: machine.id, signal: deadline, isNew: !existing };
        withheld = await runtime.custody.release(machine, release);
        const own = withheld.get(provider);
        if (own) throw own.error;
      },
      signal,
      ...(request.dismissed && { dismissed: request.dismissed }),
    });
    return { running, providers, withheld };
  } catch (error) {
    // An existing machine that was not touched keeps its state, such as hibernating.
    if (begun || !existing)
      await runtime.bestEffort('noting that a machine did not start', () => noteNotStarted(runtime, found));
    throw error;
  }
}

/** Records that a start failed. A new machine was removed with everything it held; an existing one is unchanged. */
async function noteNotStarted(runtime: CliRuntime, { record, existing }: FoundMachine): Promise<void> {
  const { machineId, userId } = record;
  if (existing) {
    await runtime.custody.settle(userId, existing);
    if (record.state !== 'stopped') await runtime.setMachineState(machineId, userId, 'cli', 'stopped');
    return;
  }
  await runtime.store.users.setMachine(userId, null);
  await runtime.custody.giveBack(record);
  await runtime.setMachineState(machineId, userId, 'cli', 'destroyed');
}
