import { join } from 'node:path';

import type { CgroupHost, MachineCgroup } from './cgroup-host.ts';
import { makeGroup, removeGroup, tryWriteSetting, writeSetting } from './cgroup-host.ts';
import type { OwnCgroup } from './cgroup-files.ts';
import type { MachineLimits } from './machine-limits.ts';

/** The settings of each version 1 controller. In a `cpu` group, all threads of a machine share what one process gets. */
const settings: Readonly<Record<string, (limits: MachineLimits) => readonly (readonly [string, number])[]>> = {
  memory: ({ memoryBytes }) => [['memory.limit_in_bytes', memoryBytes]],
  pids: ({ processes }) => [['pids.max', processes]],
  cpu: () => [],
};

/** Memory and swap together. */
const MEMORY_AND_SWAP = 'memory.memsw.limit_in_bytes';

/** Opens version 1 hierarchies. Needs root, and the memory and pids controllers. */
export function openCgroupsV1(own: readonly OwnCgroup[]): CgroupHost | undefined {
  const find = (controller: string): OwnCgroup | undefined =>
    own.find(({ version, controllers }) => version === 1 && controllers.includes(controller));
  const found = Object.keys(settings).flatMap((controller) => {
    const group = find(controller);
    return group ? [{ controller, directory: group.directory }] : [];
  });
  if (!['memory', 'pids'].every((needed) => found.some(({ controller }) => controller === needed))) return undefined;
  const directoriesOf = (name: string): readonly string[] => [
    ...new Set(found.map(({ directory }) => join(directory, name))),
  ];
  return {
    sentence: `${found.map(({ controller }) => controller).join(', ')} by cgroup v1`,
    create: async (name, limits): Promise<MachineCgroup> => {
      const directories = directoriesOf(name);
      for (const directory of directories) await makeGroup(directory);
      const memory = found.find(({ controller }) => controller === 'memory')?.directory ?? '';
      const memoryAndSwap = join(memory, name, MEMORY_AND_SWAP);
      // Never below the limit of memory alone, which may rise in a group that an earlier start left.
      const limitsSwap = await tryWriteSetting(memoryAndSwap, -1);
      for (const { controller, directory } of found) {
        for (const [file, value] of settings[controller]?.(limits) ?? []) {
          await writeSetting(join(directory, name, file), value);
        }
      }
      if (limitsSwap) await writeSetting(memoryAndSwap, limits.memoryBytes);
      return { directories, limitsSwap };
    },
    remove: async (name) => {
      for (const directory of directoriesOf(name)) await removeGroup(directory);
    },
  };
}
