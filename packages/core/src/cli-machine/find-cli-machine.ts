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
 * are lost; see {@link noteGone}.
 */
export async function keepOrReserve(
  runtime: CliRuntime,
  known: FoundMachine | undefined,
  { userId, memoryMb }: { readonly userId: string; readonly memoryMb: number },
): Promise<FoundMachine> {
  if (known?.existing) return known;
  // A machine on another host may be fine. Releasing its credentials checks whether it holds any.
  if (known?.record.host === runtime.host) await noteGone(runtime, known.record);
  const machineId = newMachineId();
  const { driver, host } = runtime;
  const row = { machineId, userId, role: 'cli', driver: driver.name, host, vcpus: 1, memoryMb } as const;
  return { record: await runtime.store.machines.create(row, { asCurrent: true }), existing: undefined };
}

/** Notes that a machine is gone from this host, and that what it held is lost. One that was never started held nothing. */
export async function noteGone(runtime: CliRuntime, record: MachineRecord): Promise<void> {
  const { machineId, userId, role } = record;
  const isLost = role === 'cli' && !wasNeverStarted(record);
  if (isLost) await runtime.custody.lose(record, { forGood: false });
  else await runtime.custody.giveBack(record);
  if (!isLost && (await runtime.store.users.get(userId))?.machineId === machineId)
    await runtime.store.users.setMachine(userId, null);
  const state = isLost ? 'lost' : 'destroyed';
  if (record.state !== state) await runtime.setMachineState(machineId, userId, role, state);
}

function wasNeverStarted({ state, epoch, injected }: MachineRecord): boolean {
  return state === 'creating' && epoch <= FIRST_EPOCH && Object.keys(injected).length === 0;
}
