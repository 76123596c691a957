import { readdir, readFile } from 'node:fs/promises';

/** A process as `/proc/<pid>/status` shows it (proc_pid_status(5)). */
export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly residentBytes: number;
}

/** Lists what this process can see. Resolves to `undefined` where there is no such file system. */
export async function listRunningProcesses(): Promise<readonly RunningProcess[] | undefined> {
  const names = await readdir('/proc').catch(() => undefined);
  if (!names) return undefined;
  const all = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readProcess));
  return all.filter((each) => each !== undefined);
}

/** Returns `undefined` if it has ended. A zombie has, unless some of its threads run on and hold what it had open. */
async function readProcess(pid: string): Promise<RunningProcess | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const valueOf = (key: string): string | undefined => status.match(new RegExp(`^${key}:\\s*(\\S+)`, 'm'))?.[1];
  const state = valueOf('State');
  if (state === undefined || state === 'X' || (state === 'Z' && Number(valueOf('Threads') ?? 1) <= 1)) return undefined;
  return {
    pid: Number(pid),
    parent: Number(valueOf('PPid')),
    // As the first of the namespaces that it is in sees it, which is ours.
    group: Number(valueOf('NSpgid')),
    residentBytes: Number(valueOf('VmRSS') ?? 0) * 1024,
  };
}
