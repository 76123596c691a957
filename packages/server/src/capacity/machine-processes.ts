import { readdir, readFile, readlink } from 'node:fs/promises';

/** What the processes of one machine take of this host at a moment. */
export interface ProcessUse {
  readonly processes: number;
  /** Proportional set size: memory that several share is divided among them. MiB. */
  readonly memoryMb: number;
  /** Seconds of a processor since each began. */
  readonly processorSeconds: number;
  /** QEMU's, where its command line says one. */
  readonly accelerator: string | undefined;
}

interface Seen {
  readonly pid: number;
  readonly parent: number;
  /** All that may name a machine. */
  readonly text: string;
}

/** Of times in `/proc/PID/stat`; part of Linux's interface to programs (proc(5)). */
const TICKS_PER_SECOND = 100;

/**
 * Which processes of this host are which machine's: those that name it, and no other, in their arguments, environment,
 * working directory or mounts, and what these have started. Nothing is asked of the driver, so what the kernel keeps for
 * a machine, a process that serves several, and one that another program started (a container's) are not counted.
 */
export async function findProcesses(machineIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const ownMounts = await readlink('/proc/self/ns/mnt');
  const pids = (await readdir('/proc')).map(Number).filter((pid) => pid > 1 && pid !== process.pid);
  const seen = (await Promise.all(pids.map((pid) => look(pid, ownMounts)))).filter((each) => each !== undefined);
  const owners = new Map<number, string>();
  for (const { pid, text } of seen) {
    const [named, another] = machineIds.filter((id) => text.includes(id));
    if (named !== undefined && another === undefined) owners.set(pid, named);
  }
  const parents = new Map(seen.map(({ pid, parent }) => [pid, parent]));
  const ownerOf = (pid: number | undefined): string | undefined =>
    pid === undefined ? undefined : (owners.get(pid) ?? ownerOf(parents.get(pid)));
  return new Map(machineIds.map((id) => [id, seen.flatMap(({ pid }) => (ownerOf(pid) === id ? pid : []))]));
}

/** Adds up what these processes take. One that ended meanwhile takes nothing. */
export async function measureProcesses(pids: readonly number[]): Promise<ProcessUse> {
  const each = (await Promise.all(pids.map((pid) => measure(pid).catch(ended)))).filter((one) => one !== undefined);
  const sum = (of: (one: (typeof each)[number]) => number): number => each.reduce((total, one) => total + of(one), 0);
  return {
    processes: each.length,
    memoryMb: sum(({ memoryMb }) => memoryMb),
    processorSeconds: sum(({ processorSeconds }) => processorSeconds),
    accelerator: each.find(({ accelerator }) => accelerator !== undefined)?.accelerator,
  };
}

async function measure(pid: number) {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
  const fields = statFields(await readFile(`/proc/${pid}/stat`, 'utf8'));
  return {
    memoryMb: Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024,
    // utime and stime, the 14th and 15th of proc(5).
    processorSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    accelerator: /\0-accel\0([a-z]+)/.exec(command)?.[1],
  };
}

async function look(pid: number, ownMounts: string): Promise<Seen | undefined> {
  try {
    const fields = statFields(await readFile(`/proc/${pid}/stat`, 'utf8'));
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    const places = await Promise.all([
      readFile(`/proc/${pid}/environ`, 'utf8'),
      readlink(`/proc/${pid}/cwd`),
      mountsOf(pid, ownMounts),
    ]).catch(() => []);
    return { pid, parent: Number(fields[1]), text: [command, ...places].join('\n') };
  } catch {
    // It ended while it was looked at.
    return undefined;
  }
}

/** What a process in its own sandbox sees. The host's mounts would name every machine to every process. */
async function mountsOf(pid: number, ownMounts: string): Promise<string> {
  return (await readlink(`/proc/${pid}/ns/mnt`)) === ownMounts ? '' : readFile(`/proc/${pid}/mountinfo`, 'utf8');
}

/** From the third field on: the second, the name, may hold anything. */
function statFields(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function ended(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
}
