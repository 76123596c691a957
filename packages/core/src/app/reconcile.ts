import type { Runtime } from '../runtime/runtime.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import { giveBackAll, loseCredentials, settleCredentials } from '../cli-machine/credential-exchange.ts';
import type { MachineRef } from '../contracts/driver.ts';

export interface ReconcileOptions {
  /** Also reads the disks of machines that do not run, for credentials that their server could not store. */
  readonly atStart: boolean;
}

/**
 * Reconciles the machines of this host with its rows, at server start and every minute after that. Skips what this
 * process is starting, using or ending, and whatever belongs to another host's rows. A machine that cannot be settled
 * is reported and retried next time. Does nothing if everything matches.
 *
 * No machine outlives its server with a token we still know, so running machines are stopped. A browser machine has
 * lost its session and is destroyed. A CLI machine keeps its disk, and its credentials are harvested. A machine that
 * hibernates, according to both its row and the host, keeps hibernating: everything it held is stored. A machine that
 * the driver created but that has no row carries our label and is removed.
 */
export async function reconcileMachines(
  runtime: Runtime,
  cliMachines: Pick<CliMachines, 'whileResting'>,
  options: ReconcileOptions,
): Promise<void> {
  const { driver, inHand, store } = runtime;
  const before = await store.machines.list({ host: runtime.host });
  const refs = await driver.list();
  const found = new Set(refs.map(({ machineId }) => machineId));
  for (const ref of refs) {
    await runtime.bestEffort(`clearing up machine ${ref.machineId}`, () => settle(runtime, cliMachines, ref, options));
  }
  for (const { machineId, userId, role, state } of before) {
    if (found.has(machineId) || isGone(state)) continue;
    const note = (): Promise<void> => noteAbsence(runtime, machineId);
    await runtime.bestEffort(`noting that machine ${machineId} is gone`, async () => {
      if (role === 'cli') await cliMachines.whileResting(userId, machineId, note);
      else if (!inHand.has(machineId)) await note();
    });
  }
  await clearDriver(runtime);
}

async function settle(
  runtime: Runtime,
  cliMachines: Pick<CliMachines, 'whileResting'>,
  ref: MachineRef,
  options: ReconcileOptions,
): Promise<void> {
  const { machineId } = ref;
  if (runtime.inHand.has(machineId)) return;
  const row = await runtime.store.machines.get(machineId);
  if (row && row.host !== runtime.host) return;
  if (row?.role === 'cli')
    await cliMachines.whileResting(row.userId, machineId, () => settleCli(runtime, machineId, options));
  // Check again: this process may have started to use it while the row was read.
  else if (!runtime.inHand.has(machineId)) await removeMachine(runtime, ref, row);
}

/** Runs in the user's queue. Reads both the row and the machine again. */
async function settleCli(runtime: Runtime, machineId: string, { atStart }: ReconcileOptions): Promise<void> {
  const row = await runtime.store.machines.get(machineId);
  const ref = (await runtime.driver.list()).find((choice) => choice.machineId === machineId);
  if (!row || !ref || (row.state === 'hibernated' && ref.hibernated)) return;
  if (row.state === 'destroyed') return removeMachine(runtime, ref, row);
  if (!atStart && row.state === 'stopped' && !ref.running && !ref.hibernated) return;
  const { userId } = row;
  const machine = await runtime.driver.adopt(ref);
  if (machine) {
    await machine.stop({ deadlineMs: 2_000 });
    await runtime.bestEffort(`harvesting machine ${machineId}`, () => settleCredentials(runtime, userId, machine));
  }
  const state = machine ? 'stopped' : 'lost';
  if (row.state !== state) await runtime.setMachineState(machineId, userId, 'cli', state);
}

async function removeMachine(runtime: Runtime, ref: MachineRef, row: MachineRecord | undefined): Promise<void> {
  const machine = await runtime.driver.adopt(ref);
  await machine?.destroy();
  if (row && row.state !== 'destroyed') await runtime.setMachineState(row.machineId, row.userId, row.role, 'destroyed');
}

/** Handles a machine whose row says that it is here but which does not exist. */
async function noteAbsence(runtime: Runtime, machineId: string): Promise<void> {
  const row = await runtime.store.machines.get(machineId);
  const isHere = (await runtime.driver.list()).some((ref) => ref.machineId === machineId);
  if (!row || isHere || isGone(row.state)) return;
  const { userId, role, epoch } = row;
  // A machine that was never started held nothing, and does not come back.
  const wasNeverMade = row.state === 'creating' && epoch <= FIRST_EPOCH && Object.keys(row.injected).length === 0;
  const isLost = role === 'cli' && !wasNeverMade;
  if (isLost) await loseCredentials(runtime, row, false);
  else await giveBackAll(runtime, row);
  if (!isLost && (await runtime.store.users.get(userId))?.machineId === machineId)
    await runtime.store.users.setMachine(userId, null);
  await runtime.setMachineState(machineId, userId, role, isLost ? 'lost' : 'destroyed');
}

function isGone(state: MachineRecord['state']): boolean {
  return state === 'destroyed' || state === 'lost';
}

/** Reconciles the driver's other resources, and releases the reservations of machines that do not run. */
async function clearDriver(runtime: Runtime): Promise<void> {
  const { admission, driver, host, inHand, store } = runtime;
  const places = admission.settledPlaces();
  const rows = await store.machines.list({ host });
  const refs = await driver.list();
  const alive = new Set([
    ...rows.filter(({ state }) => !isGone(state)).map(({ machineId }) => machineId),
    ...refs.map(({ machineId }) => machineId),
    ...inHand,
  ]);
  await runtime.bestEffort('clearing up behind machines that are gone', async () => {
    const removed = (await driver.reconcile?.(alive)) ?? [];
    if (removed.length > 0) runtime.emit({ type: 'host.cleared', userId: null, host, removed });
  });
  const running = new Set(refs.flatMap((ref) => (ref.running ? ref.machineId : [])));
  for (const place of places) if (!running.has(place.machineId)) place.release();
}
