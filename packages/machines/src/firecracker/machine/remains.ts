import { rm } from 'node:fs/promises';

import { jailLayout } from '../jailer/layout.ts';
import { listJails, removeJail } from '../jailer/remove.ts';
import { openGenerations } from '../snapshot/generations.ts';
import { machineOfJail } from './layout.ts';
import type { FirecrackerHostParts, MachineFiles } from './layout.ts';
import type { FirecrackerRecord } from './record.ts';

/** Takes away all that a machine had while it ran or slept: every jail of its name, its place, its memory, its token. */
export async function clearRemains(
  host: FirecrackerHostParts,
  files: MachineFiles,
  machineId: string,
  running?: FirecrackerRecord['running'],
): Promise<void> {
  await endJails(host, (id) => machineOfJail(id) === machineId, running);
  host.reached('the end of its place');
  await host.network.detach(machineId);
  host.reached('the end of its memory');
  await openGenerations(files.snapshots).prune();
  await rm(files.agentDrive, { force: true });
  await rm(`${files.agentDrive}.work`, { recursive: true, force: true });
}

/** Jails are known by their names: a server may have died before it noted one. Returns those that there were. */
export async function endJails(
  { folders, groups, clock }: Pick<FirecrackerHostParts, 'folders' | 'groups' | 'clock'>,
  isGone: (id: string) => boolean,
  running?: FirecrackerRecord['running'],
): Promise<readonly string[]> {
  const jails = (await listJails(folders.jails)).filter(({ id }) => isGone(id));
  for (const { program, id } of jails) {
    const process = running?.jail === id ? running.process : undefined;
    await removeJail(jailLayout(folders.jails, program, id), { groups, clock, ...(process && { process }) });
  }
  return jails.map(({ id }) => id);
}
