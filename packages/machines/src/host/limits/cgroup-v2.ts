import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { hasCode } from '../safe-directory.ts';
import type { CgroupHost } from './cgroup-host.ts';
import { makeGroup, removeGroup, tryWriteSetting, writeSetting } from './cgroup-host.ts';
import type { OwnCgroup } from './cgroup-files.ts';

const NEEDED = ['memory', 'pids'] as const;

/** Name of the group that the server moves itself to: only groups without processes can limit their children. */
const SERVER = 'sallyport-server';

/**
 * Opens the version 2 hierarchy if it was delegated to this server, for example by systemd's `Delegate=yes`. The server
 * and its children then move to a group beside those of the machines.
 */
export async function openCgroupsV2(own: readonly OwnCgroup[], proc = '/proc'): Promise<CgroupHost | undefined> {
  const directory = own.find(({ version }) => version === 2)?.directory;
  if (directory === undefined) return undefined;
  const available = (await readFile(join(directory, 'cgroup.controllers'), 'utf8').catch(() => '')).trim().split(' ');
  if (!NEEDED.every((controller) => available.includes(controller))) return undefined;
  const enabled = [...NEEDED, ...(available.includes('cpu') ? ['cpu'] : [])];
  if (!(await enable(directory, enabled)) && !(await moveAndEnable(directory, enabled, proc))) return undefined;
  return {
    sentence: `${enabled.join(', ')} by cgroup v2`,
    create: async (name, { memoryBytes, processes }) => {
      const group = join(directory, name);
      await makeGroup(group);
      await writeSetting(join(group, 'memory.max'), memoryBytes);
      // Without it, a machine takes all swap of this host once its memory is full.
      const limitsSwap = await tryWriteSetting(join(group, 'memory.swap.max'), 0);
      await writeSetting(join(group, 'pids.max'), processes);
      return { directories: [group], limitsSwap };
    },
    remove: (name) => removeGroup(join(directory, name)),
  };
}

/** With the cpu controller, all threads of a machine share what one group gets, as much as the server. */
async function enable(directory: string, controllers: readonly string[]): Promise<boolean> {
  const words = controllers.map((controller) => `+${controller}`).join(' ');
  return writeFile(join(directory, 'cgroup.subtree_control'), words).then(
    () => true,
    () => false,
  );
}

/** Moves this server out of the way. Gives up, and moves it back, if the group holds processes of others. */
async function moveAndEnable(directory: string, controllers: readonly string[], proc: string): Promise<boolean> {
  const server = join(directory, SERVER);
  try {
    await makeGroup(server);
    const members = (await readFile(join(directory, 'cgroup.procs'), 'utf8')).split('\n').filter(Boolean).map(Number);
    const ours = await Promise.all(members.map((pid) => descendsFrom(pid, process.pid, proc)));
    if (!ours.every(Boolean)) {
      await removeGroup(server);
      return false;
    }
    for (const pid of members) await moveProcess(server, pid);
    if (await enable(directory, controllers)) return true;
    for (const pid of members) await moveProcess(directory, pid);
    await removeGroup(server);
    return false;
  } catch {
    // Not ours to change: a group that was not delegated.
    return false;
  }
}

/** Moves a process to a group, unless it has exited meanwhile. */
async function moveProcess(group: string, pid: number): Promise<void> {
  await writeFile(join(group, 'cgroup.procs'), String(pid)).catch((error: unknown) => {
    if (!hasCode(error, 'ESRCH')) throw error;
  });
}

async function descendsFrom(pid: number, ancestor: number, proc: string): Promise<boolean> {
  for (let current = pid; current > 1;) {
    if (current === ancestor) return true;
    const status = await readFile(join(proc, String(current), 'status'), 'utf8').catch(() => '');
    current = Number(/^PPid:\t(\d+)$/m.exec(status)?.[1] ?? 0);
  }
  return false;
}
