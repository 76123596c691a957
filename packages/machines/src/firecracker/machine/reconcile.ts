import { readdir, rm } from 'node:fs/promises';

import { isMachineId } from '../../process/layout.ts';
import { readRecords } from '../../host/record-file.ts';
import { removeUnrecordedMachines } from '../../process/unrecorded-machines.ts';
import { openGenerations } from '../snapshot/generations.ts';
import { machineFiles, machineOfJail } from './layout.ts';
import type { FirecrackerHostParts } from './layout.ts';
import { readRecord, writeRecord } from './record.ts';
import type { FirecrackerRecord } from './record.ts';
import { clearRemains, endJails } from './remains.ts';

/** A machine as a server that died left it: nothing of it runs any more, and it sleeps on where its snapshot is whole. */
export async function recoverMachine(
  host: FirecrackerHostParts,
  record: FirecrackerRecord,
): Promise<FirecrackerRecord> {
  const { plan, uid, image, running, asleep } = record;
  const files = machineFiles(host.folders, plan.machineId);
  await endJails(host, (id) => machineOfJail(id) === plan.machineId, running);
  const sleepsOn = asleep && (await readSnapshot(host, plan.machineId, asleep.generation));
  const recovered = { plan, uid, image, ...(sleepsOn && { asleep }) };
  if (sleepsOn) await openGenerations(files.snapshots).prune(asleep.generation);
  else await clearRemains(host, files, plan.machineId);
  await rm(`${files.disk}.work`, { recursive: true, force: true });
  await writeRecord(files.record, recovered);
  return recovered;
}

async function readSnapshot({ folders, snapshotKey }: FirecrackerHostParts, machineId: string, generation: number) {
  const { snapshots } = machineFiles(folders, machineId);
  return openGenerations(snapshots).read(generation, await snapshotKey());
}

/** Takes away what no machine has. Those that are `busy` belong to this process. Returns what that was. */
export async function reconcileHost(
  host: FirecrackerHostParts,
  isBusy: (machineId: string) => boolean,
): Promise<readonly string[]> {
  const { folders, network } = host;
  const removed: string[] = [];
  const known = new Map<string, FirecrackerRecord | undefined>();
  for (const id of (await readdir(folders.machines)).filter(isMachineId)) {
    const { intact } = await readRecords([id], (machineId) => readRecord(machineFiles(folders, machineId).record));
    const [record] = intact;
    const isOurs = isBusy(id);
    known.set(id, record && !isOurs ? await recoverMachine(host, record) : record);
    if (record?.running && !isOurs) removed.push(`what ran of ${id}`);
  }
  const isOver = (id: string): boolean => !isBusy(id) && known.get(id)?.asleep === undefined;
  const jails = await endJails(host, (id) => isOver(machineOfJail(id) ?? '') && machineOfJail(id) !== undefined);
  const unrecorded = await removeUnrecordedMachines({
    machines: folders.machines,
    users: folders.machines,
    layoutOf: (id) => machineFiles(folders, id),
    isBusy,
  });
  const places = await network.reconcile(new Set([...known.keys()].filter((id) => !isOver(id))));
  return [...removed, ...jails.map((id) => `jail ${id}`), ...unrecorded, ...places];
}
