import type { CliRuntime } from './cli-runtime.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import type { CredentialRecord, MachineRecord, UserRecord } from '../contracts/store.ts';
import type { Machine } from '../contracts/driver.ts';
import { newMachineId } from '../machine/ids.ts';

/** A machine's row and, if it still exists on this host, its handle. */
export interface FoundMachine {
  readonly record: MachineRecord;
  readonly existing: Machine | undefined;
}

/** A user, and the machine they have. */
export interface Owner {
  readonly user: UserRecord | undefined;
  readonly known: FoundMachine | undefined;
  readonly credentials: readonly CredentialRecord[];
}

export async function findOwner(runtime: CliRuntime, userId: string): Promise<Owner> {
  const [user, credentials] = await Promise.all([
    runtime.store.users.get(userId),
    runtime.store.credentials.list(userId),
  ]);
  const { machineId } = user ?? {};
  return { user, credentials, known: machineId ? await findCliMachine(runtime, userId, machineId) : undefined };
}

/** Finds the user's CLI machine, or the given one if it is theirs. */
export async function findCliMachine(
  runtime: CliRuntime,
  userId: string,
  machineId?: string,
): Promise<FoundMachine | undefined> {
  const id = machineId ?? (await runtime.store.users.get(userId))?.machineId;
  const record = id ? await runtime.store.machines.get(id) : undefined;
  if (!record || record.userId !== userId || record.state === 'destroyed') return undefined;
  const ref = (await runtime.driver.list()).find((candidate) => candidate.machineId === record.machineId);
  return { record, existing: ref && (await runtime.driver.adopt(ref)) };
}

/**
 * Returns the user's machine, or creates the row of a new one. Credentials on a machine that is gone from this host
 * are lost, unless it never was there: where the store was away, that may not have been noted.
 */
export async function keepOrReserve(
  runtime: CliRuntime,
  known: FoundMachine | undefined,
  { userId, memoryMb }: { readonly userId: string; readonly memoryMb: number },
): Promise<FoundMachine> {
  if (known?.existing) return known;
  if (known) {
    const { machineId, state, host: itsHost } = known.record;
    // A machine on another host may be fine. Releasing its credentials checks whether it holds any.
    if (itsHost === runtime.host && wasNeverMade(known.record)) {
      await runtime.custody.giveBack(known.record);
      await runtime.setMachineState(machineId, userId, 'cli', 'destroyed');
    } else if (itsHost === runtime.host) {
      if (state !== 'lost') await runtime.setMachineState(machineId, userId, 'cli', 'lost');
      await runtime.custody.lose(known.record, { forGood: false });
    }
  }
  const machineId = newMachineId();
  const { driver, host } = runtime;
  const row = { machineId, userId, role: 'cli', driver: driver.name, host, vcpus: 1, memoryMb } as const;
  return { record: await runtime.store.machines.create(row, { asCurrent: true }), existing: undefined };
}

/** Whether a machine without a directory has never been started. It held nothing, and does not come back. */
export function wasNeverMade({ state, epoch, injected }: MachineRecord): boolean {
  return state === 'creating' && epoch <= FIRST_EPOCH && Object.keys(injected).length === 0;
}
