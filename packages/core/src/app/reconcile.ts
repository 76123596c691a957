import { forEachAtOnce } from '../base/for-each-at-once.ts';
import type { CliRuntime } from '../cli-machine/cli-runtime.ts';
import { noteGone } from '../cli-machine/find-cli-machine.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { CliMachines } from '../cli-machine/cli-machines.ts';
import type { MachineRef } from '../contracts/driver.ts';

/** How many machines are settled at a time. Each waits for its driver and the store. */
const AT_ONCE = 8;

/**
 * Reconciles the machines of this host with its rows, at server start and every minute after that. Skips what this
 * process is starting, using or ending, and whatever belongs to another host's rows. A machine that cannot be settled
 * is reported and retried next time. Does nothing if everything matches.
 *
 * No machine outlives its server with a token we still know, so running machines are stopped. A browser machine has
 * lost its session and is destroyed. A CLI machine keeps its disk, and its credentials are harvested. A machine that
 * hibernates, according to both its row and the host, keeps hibernating: everything it held is stored. A machine that
 * the driver created but that has no row carries our label and is removed. A stopped machine is not visited, see
 * {@link settleStoppedMachines}: so a start of the server takes as long with many users as with few.
 */
export async function reconcileMachines(
  runtime: CliRuntime,
  cliMachines: Pick<CliMachines, 'whileResting'>,
): Promise<void> {
  const { driver, inHand, store } = runtime;
  const before = await store.machines.list({ host: runtime.host });
  const refs = await driver.list();
  const found = new Set(refs.map(({ machineId }) => machineId));
  const rows = new Map(before.map((row) => [row.machineId, row]));
  await forEachAtOnce(refs, AT_ONCE, (ref) =>
    runtime.bestEffort(`clearing up machine ${ref.machineId}`, () =>
      settle(runtime, cliMachines, ref, rows.get(ref.machineId)),
    ),
  );
  const missing = before.filter(({ machineId, state }) => !found.has(machineId) && !isGone(state));
  await forEachAtOnce(missing, AT_ONCE, async ({ machineId, userId, role }) => {
    const note = (): Promise<void> => noteAbsence(runtime, machineId);
    await runtime.bestEffort(`noting that machine ${machineId} is gone`, async () => {
      if (role === 'cli') await cliMachines.whileResting(userId, machineId, note);
      else if (!inHand.has(machineId)) await note();
    });
  });
  await clearDriver(runtime);
}

/**
 * Reads the disks of this host's stopped machines once, in the background after a start: the store may be older than they
 * are, after a backup was restored or if it was away when they stopped. Each is read again before its next start.
 */
export async function settleStoppedMachines(
  runtime: CliRuntime,
  cliMachines: Pick<CliMachines, 'whileResting'>,
): Promise<void> {
  const { closing, driver, host, store } = runtime;
  const refs = new Map((await driver.list()).map((ref) => [ref.machineId, ref]));
  const stopped = (await store.machines.list({ host })).filter(
    ({ role, state }) => role === 'cli' && state === 'stopped',
  );
  await forEachAtOnce(stopped, AT_ONCE, async ({ machineId, userId }) => {
    const ref = refs.get(machineId);
    if (closing.aborted || !ref || ref.running || ref.hibernated) return;
    await runtime.bestEffort(`reading the disk of machine ${machineId}`, () =>
      cliMachines.whileResting(userId, machineId, async () => {
        if ((await store.machines.get(machineId))?.state !== 'stopped') return;
        const machine = await driver.adopt(ref);
        if (machine) await runtime.custody.settle(userId, machine);
      }),
    );
  });
}

async function settle(
  runtime: CliRuntime,
  cliMachines: Pick<CliMachines, 'whileResting'>,
  ref: MachineRef,
  ownRow: MachineRecord | undefined,
): Promise<void> {
  const { machineId } = ref;
  if (runtime.inHand.has(machineId) || isAtRest(ownRow, ref)) return;
  // Without a row of this host, it may have one of another host.
  const row = ownRow ?? (await runtime.store.machines.get(machineId));
  if (row && row.host !== runtime.host) return;
  if (row?.role === 'cli') await cliMachines.whileResting(row.userId, machineId, () => settleCli(runtime, machineId));
  // Check again: this process may have started to use it while the row was read.
  else if (!runtime.inHand.has(machineId)) await removeMachine(runtime, ref, row);
}

/** Runs in the user's queue. Reads both the row and the machine again. */
async function settleCli(runtime: CliRuntime, machineId: string): Promise<void> {
  const row = await runtime.store.machines.get(machineId);
  const ref = (await runtime.driver.list()).find((choice) => choice.machineId === machineId);
  if (!row || !ref || isAtRest(row, ref)) return;
  if (row.state === 'destroyed') return removeMachine(runtime, ref, row);
  const { userId } = row;
  const machine = await runtime.driver.adopt(ref);
  if (machine) {
    await machine.stop({ deadlineMs: 2_000 });
    await runtime.bestEffort(`harvesting machine ${machineId}`, () => runtime.custody.settle(userId, machine));
  }
  const state = machine ? 'stopped' : 'lost';
  if (row.state !== state) await runtime.setMachineState(machineId, userId, 'cli', state);
}

/** Whether a machine's row and the host agree that it is stopped or hibernating. */
function isAtRest(row: MachineRecord | undefined, { running, hibernated = false }: MachineRef): boolean {
  if (row?.role !== 'cli' || running) return false;
  return (row.state === 'stopped' && !hibernated) || (row.state === 'hibernated' && hibernated);
}

async function removeMachine(runtime: CliRuntime, ref: MachineRef, row: MachineRecord | undefined): Promise<void> {
  const machine = await runtime.driver.adopt(ref);
  await machine?.destroy();
  if (row && row.state !== 'destroyed') await runtime.setMachineState(row.machineId, row.userId, row.role, 'destroyed');
}

/** Handles a machine whose row says that it is here but which does not exist. */
async function noteAbsence(runtime: CliRuntime, machineId: string): Promise<void> {
  const row = await runtime.store.machines.get(machineId);
  const isHere = (await runtime.driver.list()).some((ref) => ref.machineId === machineId);
  if (!row || isHere || isGone(row.state)) return;
  await noteGone(runtime, row);
}

function isGone(state: MachineRecord['state']): boolean {
  return state === 'destroyed' || state === 'lost';
}

/** Reconciles the driver's other resources, and releases the reservations of machines that do not run. */
async function clearDriver(runtime: CliRuntime): Promise<void> {
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
