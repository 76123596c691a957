import { readdir, readFile } from 'node:fs/promises';

/** Facts about processes of this host, from `/proc`. Linux only. */

const PAGE_BYTES = 4096;

/** Memory that is in RAM now, in MB of 10^6 bytes. */
export async function residentMb(pid: number): Promise<number> {
  const [, pages = '0'] = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ');
  return (Number(pages) * PAGE_BYTES) / 1e6;
}

/** The same with memory that several processes share divided among them: what a group of them needs together. */
export async function proportionalMb(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  return (Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) * 1024) / 1e6;
}

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

export async function listProcesses(): Promise<readonly RunningProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => describe(pid).catch(() => undefined)));
  return found.filter((process) => process !== undefined);
}

async function describe(pid: number): Promise<RunningProcess> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
  return { pid, parent: Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]), command };
}

/** Everything a process has started, and what that has started. */
export function descendants(all: readonly RunningProcess[], of: number): readonly RunningProcess[] {
  return all.filter(({ parent }) => parent === of).flatMap((child) => [child, ...descendants(all, child.pid)]);
}
