import { access, readdir } from 'node:fs/promises';

import { removeTree } from '../host/remove-tree.ts';
import { hasCode } from '../host/safe-directory.ts';
import { isMachineId } from './layout.ts';
import { releaseStrayUsers } from './user-allotment.ts';

export interface UnrecordedMachinesOptions {
  /** Contains one directory per machine, named by its ID. */
  readonly machines: string;
  /** Contains the claims of `allotUser`. */
  readonly users: string;
  readonly layoutOf: (machineId: string) => { readonly root: string; readonly record: string };
  /** Checks whether this process is creating the machine, has it, or must keep it for another reason. */
  readonly isBusy: (machineId: string) => boolean;
}

/**
 * Removes directories and users of machines without a record: a server died while it created or destroyed them. Returns
 * what it removed. It lists first and asks `isBusy` after that, so a machine that is created meanwhile is either not in
 * the list or busy.
 */
export async function removeUnrecordedMachines(options: UnrecordedMachinesOptions): Promise<readonly string[]> {
  const { machines, users, layoutOf, isBusy } = options;
  const removed: string[] = [];
  const isKept = async (machineId: string): Promise<boolean> =>
    isBusy(machineId) || (await exists(layoutOf(machineId).record));
  for (const machineId of (await readdir(machines)).filter(isMachineId)) {
    if (await isKept(machineId)) continue;
    await removeTree(layoutOf(machineId).root);
    removed.push(`directory of ${machineId}`);
  }
  return [...removed, ...(await releaseStrayUsers(users, isKept))];
}

/** A damaged or unreadable record counts too: its machine may contain a user's files. */
async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    return !hasCode(error, 'ENOENT');
  }
}
