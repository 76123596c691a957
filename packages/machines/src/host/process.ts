import { readdir, readFile, stat } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import { execa } from 'execa';

/**
 * Identifies a process even after its process ID is reused: the combination of process ID, boot ID and start time is
 * unique.
 */
export interface HostProcess {
  readonly pid: number;
  readonly born: string;
}

/**
 * Returns `undefined` if the process does not run. A zombie does not count as running, unless some of its threads run
 * on: until the last one ends, what the process has open stays open, such as a port or a disk.
 */
export async function identifyProcess(pid: number): Promise<HostProcess | undefined> {
  const born = process.platform === 'linux' ? await linuxBirth(pid) : await portableBirth(pid);
  return born === undefined ? undefined : { pid, born };
}

export async function isRunning(known: HostProcess): Promise<boolean> {
  return (await identifyProcess(known.pid))?.born === known.born;
}

/** Sends a signal to a process group. Ignores a group that no longer exists. */
export function signalGroup(leader: number, signal: NodeJS.Signals): void {
  signalProcess(-leader, signal);
}

export interface Leftovers {
  readonly leader?: HostProcess;
  readonly init?: HostProcess;
  /** All processes of this user, which belongs to one machine. */
  readonly uid?: number;
  /** All processes started with a `HOME` below this directory. Identifies a machine that shares the server's user. */
  readonly homesBelow?: string;
}

const END_WITHIN_MS = 10_000;

/** Kills all remaining processes of a machine and waits until they have exited. */
export async function endLeftovers(leftovers: Leftovers, clock: Clock): Promise<void> {
  const until = clock.monotonic() + END_WITHIN_MS;
  for (;;) {
    const found = await findLeftovers(leftovers);
    if (found.length === 0) {
      return;
    }
    if (clock.monotonic() > until) {
      throw new SallyportError(
        'MACHINE_FAILED',
        `Processes ${found.join(', ')} of a machine did not exit when killed.`,
        {
          hint: 'They are stuck in the kernel, for example on an unreachable network file system. Inspect them with ps.',
        },
      );
    }
    for (const pid of found) {
      signalProcess(pid, 'SIGKILL');
    }
    await clock.sleep(10);
  }
}

/** Process IDs, negative for a process group. */
async function findLeftovers({ leader, init, uid, homesBelow }: Leftovers): Promise<readonly number[]> {
  const found: number[] = [];
  if (leader && (await isRunning(leader))) {
    found.push(-leader.pid, leader.pid);
  }
  if (init && (await isRunning(init))) {
    found.push(init.pid);
  }
  if (process.platform === 'linux' && (uid !== undefined || homesBelow !== undefined)) {
    for (const name of await readdir('/proc')) {
      const pid = Number(name);
      if (
        pid > 1 &&
        pid !== process.pid &&
        (await belongs(pid, uid, homesBelow)) &&
        (await linuxBirth(pid)) !== undefined
      ) {
        found.push(pid);
      }
    }
  }
  return found;
}

/** Checks whether any process on this host runs as this user. */
export async function isUserActive(uid: number): Promise<boolean> {
  return (await findLeftovers({ uid })).length > 0;
}

async function belongs(pid: number, uid: number | undefined, homesBelow: string | undefined): Promise<boolean> {
  try {
    if (uid !== undefined) {
      return (await stat(`/proc/${pid}`)).uid === uid;
    }
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    return environment.split('\0').some((variable) => variable.startsWith(`HOME=${homesBelow}/`));
  } catch {
    // The process has exited or belongs to another user.
    return false;
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw error;
    }
  }
}

let bootId: string | undefined;

async function linuxBirth(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) {
    return undefined;
  }
  const { hasEnded, startTime } = parseStat(text);
  if (hasEnded) return undefined;
  bootId ??= (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();
  return `${bootId}/${startTime}`;
}

/** Parses `/proc/<pid>/stat` (proc_pid_stat(5)). */
export function parseStat(text: string): { readonly hasEnded: boolean; readonly startTime: string } {
  // The second field is the program's name in parentheses and can contain any character.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // Killed, the first thread of a process may end before the others. It is a zombie then, and counts as a thread.
  const hasEnded = state === 'X' || (state === 'Z' && Number(fields[16]) <= 1);
  return { hasEnded, startTime: fields[18] ?? '' };
}

async function portableBirth(pid: number): Promise<string | undefined> {
  const { stdout, failed } = await execa('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { reject: false });
  const line = stdout.trim();
  return failed || line === '' || line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}
