import type { Runtime } from '../runtime/runtime.ts';
import { provisionMachine } from '../machine/provision-machine.ts';
import type { RunningMachine } from '../machine/provision-machine.ts';
import { cliMachineNeeds } from './cli-machine-needs.ts';
import { giveBackAll, settleCredentials } from './credential-exchange.ts';
import { releaseCredentials } from './credential-release.ts';
import type { Withheld } from './cli-machine.ts';
import { findCliMachine, keepOrReserve } from './find-cli-machine.ts';
import type { FoundMachine, Owner } from './find-cli-machine.ts';

export interface StartCliMachine {
  readonly userId: string;
  /** The provider it is started for; it also gets every other one that the user has connected. */
  readonly provider: string;
  readonly signal: AbortSignal;
  /** Ends the wait for a turn, and nothing after it. */
  readonly dismissed?: AbortSignal;
  onProgress(state: 'queued' | 'starting' | 'waking', message: string): void;
}

export interface StartedCliMachine {
  readonly running: RunningMachine;
  readonly providers: ReadonlySet<string>;
  readonly withheld: ReadonlyMap<string, Withheld>;
}

/** Starts the user's CLI machine, or a first one, with the newest version of every login on its disk. */
export async function startCliMachine(
  runtime: Runtime,
  request: StartCliMachine,
  { user, known, credentials }: Owner,
): Promise<StartedCliMachine> {
  const { userId, provider, signal } = request;
  // It may have been tried to wake it since.
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
          // It may still run, where an earlier stop could not be carried out; its disk is only safe afterwards.
          await existing.stop({ deadlineMs: 2_000 });
          await settleCredentials(runtime, userId, machine);
        }
        withheld = await releaseCredentials(runtime, machine, { userId, machineId: machine.id, signal: deadline });
        const own = withheld.get(provider);
        if (own) throw own.error;
      },
      signal,
      ...(request.dismissed && { dismissed: request.dismissed }),
    });
    return { running, providers, withheld };
  } catch (error) {
    // An old one that was not touched is as it was: asleep, perhaps.
    if (begun || !existing)
      await runtime.bestEffort('noting that a machine did not start', () => noteNotStarted(runtime, found));
    throw error;
  }
}

/** A new machine was cleared away again, and with it what it held; an old one is as it was. */
async function noteNotStarted(runtime: Runtime, { record, existing }: FoundMachine): Promise<void> {
  const { machineId, userId } = record;
  if (existing) {
    await settleCredentials(runtime, userId, existing);
    if (record.state !== 'stopped') await runtime.setMachineState(machineId, userId, 'cli', 'stopped');
    return;
  }
  await runtime.store.users.setMachine(userId, null);
  await giveBackAll(runtime, record);
  await runtime.setMachineState(machineId, userId, 'cli', 'destroyed');
}
