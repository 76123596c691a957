import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { jailLayout } from '../jailer/layout.ts';
import type { HostFiles } from '../../host/host-files.ts';
import type { Finding } from './verdict.ts';

/** What the jailer is asked to limit. */
const CONTROLLERS = ['cpu', 'io', 'memory', 'pids'];
/** As long as an id gets: a machine's, and a boot's. */
const LONGEST_ID = `m-${'x'.repeat(20)}-${'x'.repeat(8)}`;

export function findRoot(user: number | undefined): Finding {
  return user === 0
    ? { ok: 'the server runs as root, as the jailer needs; machines do not' }
    : {
        missing: 'the server does not run as root',
        fix: 'Run it as root: the jailer gives each machine a separate user',
      };
}

export async function findControlGroups(files: HostFiles): Promise<Finding> {
  const text = await files.read('/sys/fs/cgroup/cgroup.controllers');
  if (text === undefined) {
    return {
      missing: 'no version 2 at /sys/fs/cgroup',
      fix: 'Add systemd.unified_cgroup_hierarchy=1 to the kernel command line',
    };
  }
  const lacking = CONTROLLERS.filter((name) => !text.split(' ').includes(name));
  return lacking.length === 0
    ? { ok: `version 2 with ${CONTROLLERS.join(', ')}` }
    : {
        missing: `version 2 without ${lacking.join(', ')}`,
        fix: 'Run the server where it has the whole hierarchy, not in a container',
      };
}

/** The jailer trusts what lies above a jail, makes devices in it and starts a program there. */
export async function findJailDirectory(files: HostFiles, directory: string): Promise<Finding> {
  try {
    jailLayout(directory, 'firecracker', LONGEST_ID);
  } catch {
    return { missing: `${directory} is too long a path for sockets`, fix: 'Set SALLYPORT_DATA_DIR to a shorter one' };
  }
  for (const folder of directoriesAbove(directory)) {
    const info = await stat(files.locate(folder)).catch(() => undefined);
    if (info && ((info.uid !== 0 && info.uid !== process.geteuid?.()) || (info.mode & 0o022) !== 0)) {
      return {
        missing: `others than root may change ${folder}`,
        fix: 'Set SALLYPORT_DATA_DIR to a directory that has root alone above it, for instance /var/lib/sallyport',
      };
    }
  }
  const forbidden = mountOptions((await files.read('/proc/mounts')) ?? '', directory).filter((option) =>
    ['nodev', 'noexec', 'ro'].includes(option),
  );
  return forbidden.length === 0
    ? { ok: directory }
    : {
        missing: `${directory} is on a file system mounted with ${forbidden.join(', ')}`,
        fix: 'Set SALLYPORT_DATA_DIR to a file system that allows devices and programs',
      };
}

function directoriesAbove(directory: string): readonly string[] {
  const parent = dirname(directory);
  return parent === directory ? [directory] : [directory, ...directoriesAbove(parent)];
}

/** Of the innermost mount that has the directory; of several in one place the last is the one that shows. */
function mountOptions(mounts: string, directory: string): readonly string[] {
  const found = mounts
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, point = '-']) => `${directory}/`.startsWith(point === '/' ? '/' : `${point}/`))
    .reduce<readonly string[]>((best, next) => ((next[1] ?? '').length >= (best[1] ?? '').length ? next : best), []);
  return (found[3] ?? '').split(',');
}
