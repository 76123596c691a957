import type { Runtime } from '../runtime/runtime.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import { giveBackAll, loseCredentials, settleCredentials } from '../cli-machine/credential-exchange.ts';
import type { MachineRef } from '../contracts/driver.ts';

export interface ReconcileOptions {
  /** The disks of machines at rest are read too: what their server did not store any more is on them. */
  readonly atStart: boolean;
}

/**
 * Brings the machines of this host in line with its rows, at the start of a server and every minute after. What this
 * process starts, uses or ends at the moment is left alone, and so is what belongs to another host's rows. One that
 * resists is reported and tried again next time. Where all is well, it changes nothing.
 *
 * No machine outlives its server with a token we still know, so each is stopped. A browser machine has no session any
 * more and is destroyed; a CLI machine keeps its disk, whose credentials are harvested. One that hibernates, by its row
 * and by what the host says, sleeps on: it held nothing that was not stored. What the driver made but no row knows is
 * ours too (it carries our label) and goes.
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
  // Asked once more: it may have been taken in hand while its row was read.
  else if (!runtime.inHand.has(machineId)) await removeMachine(runtime, ref, row);
}

/** In the user's line: both the row and the machine are read again. */
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

/** Its row says that it is here, and it is not. */
async function noteAbsence(runtime: Runtime, machineId: string): Promise<void> {
  const row = await runtime.store.machines.get(machineId);
  const isHere = (await runtime.driver.list()).some((ref) => ref.machineId === machineId);
  if (!row || isHere || isGone(row.state)) return;
  const { userId, role, epoch } = row;
  // One that was never started held nothing, and does not come back.
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

/** What the driver keeps beside its machines, and the places of machines that do not run. */
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
