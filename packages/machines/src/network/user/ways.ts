import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Where each machine's egress leads: a link to the socket of its egress proxy. A monitor is told the link when it
 * starts and never again; where the link leads may change, as after a restart of the server.
 */
export interface Ways {
  /** From now on this machine's connections go there. */
  lead(machineId: string, egressSocket: string): Promise<void>;
  /** Its connections go nowhere. */
  remove(machineId: string): Promise<void>;
  /** Machines that have one. */
  list(): Promise<readonly string[]>;
  /** The link of a machine, whether it is there or not. */
  socketOf(machineId: string): Way;
}

/** A directory of any length, and a name in it short enough for the address of a socket (107 bytes, unix(7)). */
export interface Way {
  readonly folder: string;
  readonly name: string;
}

const SUFFIX = '.sock';

export async function openWays(folder: string): Promise<Ways> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pathOf = (machineId: string): string => join(folder, `${machineId}${SUFFIX}`);
  return {
    lead: async (machineId, egressSocket) => {
      const next = `${pathOf(machineId)}.next`;
      await rm(next, { force: true });
      await symlink(egressSocket, next);
      await rename(next, pathOf(machineId));
    },
    remove: (machineId) => rm(pathOf(machineId), { force: true }),
    list: async () =>
      (await readdir(folder)).filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length)),
    socketOf: (machineId) => ({ folder, name: `${machineId}${SUFFIX}` }),
  };
}
