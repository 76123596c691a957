import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { endLeftovers, identifyProcess } from '../../host/process.ts';
import type { HostProcess } from '../../host/process.ts';
import { removeTree } from '../../host/remove-tree.ts';
import { hasCode } from '../../host/safe-directory.ts';
import type { ControlGroups, JailLayout } from './layout.ts';

export interface JailRemains {
  /** Absent where a server died before it knew. */
  readonly process?: HostProcess;
  readonly groups: ControlGroups;
  readonly clock: Clock;
}

const EMPTY_WITHIN_MS = 10_000;

/** Ends what runs in a jail, and takes the control group and then the jail away. What is gone already is not an error. */
export async function removeJail(layout: JailLayout, { process, groups, clock }: JailRemains): Promise<void> {
  if (process) {
    await endLeftovers({ leader: process }, clock);
  }
  const group = join(groups.mount, layout.cgroup);
  await endGroup(group, clock);
  await ignoreAbsent(groups.remove(group));
  // Last: as long as it is there, a later server knows that something may be left.
  await removeTree(layout.directory);
}

/** A jail by its names. An earlier Firecracker may have had another. */
export interface JailName {
  readonly program: string;
  readonly id: string;
}

/** All jails there are, also those of other servers. */
export async function listJails(baseDirectory: string): Promise<readonly JailName[]> {
  const programs = (await ignoreAbsent(readdir(baseDirectory))) ?? [];
  const jails = programs.map(async (program) =>
    (await readdir(join(baseDirectory, program))).map((id) => ({ program, id })),
  );
  return (await Promise.all(jails)).flat();
}

/** A server that died between the jailer's start and the note of it left a process that only its group knows. */
async function endGroup(group: string, clock: Clock): Promise<void> {
  const until = clock.monotonic() + EMPTY_WITHIN_MS;
  for (;;) {
    const text = (await ignoreAbsent(readFile(join(group, 'cgroup.procs'), 'utf8'))) ?? '';
    const pids = await runningOf(text);
    if (pids.length === 0) {
      return;
    }
    if (clock.monotonic() > until) {
      throw new SallyportError('MACHINE_FAILED', `Processes ${pids.join(', ')} of a jail did not end when killed.`, {
        hint: 'They hang in the kernel, for instance on a dead network file system. Look at them with ps.',
      });
    }
    for (const pid of pids) {
      kill(pid);
    }
    await clock.sleep(10);
  }
}

async function runningOf(text: string): Promise<readonly number[]> {
  const listed = text
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 1);
  const known = await Promise.all(listed.map((pid) => identifyProcess(pid)));
  return known.flatMap((one) => (one ? [one.pid] : []));
}

function kill(pid: number): void {
  try {
    globalThis.process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) {
      throw error;
    }
  }
}

async function ignoreAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) {
      return undefined;
    }
    throw error;
  }
}
