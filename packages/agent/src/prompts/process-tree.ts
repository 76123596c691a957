import { readdir, readFile } from 'node:fs/promises';

/**
 * The leader of a process group and all that it and its children have started, as far as they still run. One whose parent
 * has ended belongs to it by the group.
 */
export interface ProcessTree {
  readonly pids: ReadonlySet<number>;
  /** Memory of all of them, in bytes. Pages that they share count for each. */
  readonly residentBytes: number;
}

/** Reads proc_pid_status(5). Resolves to `undefined` where there is no such file system. */
export async function readProcessTree(root: number): Promise<ProcessTree | undefined> {
  const names = await readdir('/proc').catch(() => undefined);
  if (!names) return undefined;
  const all = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readProcess));
  const running = all.filter((each) => each !== undefined);
  const pids = new Set([root, ...running.filter(({ group }) => group === root).map(({ pid }) => pid)]);
  // A parent may come after its child: as often as another level is found.
  for (let before = 0; before < pids.size;) {
    before = pids.size;
    for (const { pid, parent } of running) if (pids.has(parent)) pids.add(pid);
  }
  const ours = running.filter(({ pid }) => pids.has(pid));
  return {
    pids: new Set(ours.map(({ pid }) => pid)),
    residentBytes: ours.reduce((sum, { residentBytes }) => sum + residentBytes, 0),
  };
}

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly residentBytes: number;
}

async function readProcess(name: string): Promise<RunningProcess | undefined> {
  const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '');
  const valueOf = (key: string): string | undefined => status.match(new RegExp(`^${key}:\\s*(\\S+)`, 'm'))?.[1];
  const state = valueOf('State');
  // Of a zombie, other threads than the first may still run.
  if (state === undefined || state === 'X' || (state === 'Z' && Number(valueOf('Threads') ?? 1) <= 1)) return undefined;
  return {
    pid: Number(name),
    parent: Number(valueOf('PPid')),
    // As the first of the namespaces that it is in sees it, which is ours.
    group: Number(valueOf('NSpgid')),
    residentBytes: Number(valueOf('VmRSS') ?? 0) * 1024,
  };
}
