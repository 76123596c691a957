import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** A control group of this process: its directory, and the controllers that work there. */
export interface OwnCgroup {
  readonly version: 1 | 2;
  readonly directory: string;
  /** Controllers of a version 1 hierarchy; empty for version 2, where `cgroup.controllers` lists them. */
  readonly controllers: readonly string[];
}

/** Finds the control groups this process is in, from `/proc/self/cgroup` and `/proc/self/mountinfo` (cgroups(7)). */
export async function findOwnCgroups(proc = '/proc/self'): Promise<readonly OwnCgroup[]> {
  const [groups, mounts] = await Promise.all(
    ['cgroup', 'mountinfo'].map((name) => readFile(join(proc, name), 'utf8').catch(() => '')),
  );
  const mounted = (mounts ?? '').split('\n').flatMap(parseMount);
  return (groups ?? '').split('\n').flatMap((line) => {
    const [, hierarchy, names = '', path = ''] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (hierarchy === undefined) return [];
    const controllers = names === '' ? [] : names.split(',');
    const version = hierarchy === '0' ? 2 : 1;
    const mount = mounted.find(
      (candidate) =>
        candidate.version === version && controllers.every((controller) => candidate.options.includes(controller)),
    );
    // A container sees the path on the host but has only a part of the hierarchy mounted.
    const below = mount && relative(mount.root, path);
    if (mount === undefined || below === undefined || below.startsWith('..')) return [];
    return [{ version, directory: join(mount.point, below), controllers } as const];
  });
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** Parses a line of mountinfo (proc(5)): the file system type and its options follow a lone hyphen. */
function parseMount(line: string): readonly CgroupMount[] {
  const [before = '', after = ''] = line.split(' - ');
  const [, , , root, point] = before.split(' ');
  const [type, , options = ''] = after.split(' ');
  if ((type !== 'cgroup' && type !== 'cgroup2') || root === undefined || point === undefined) return [];
  return [{ version: type === 'cgroup' ? 1 : 2, root, point, options: options.split(',') }];
}
