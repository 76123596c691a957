import { SallyportError } from '@sallyport/core';

import { once } from '../host/once.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { findProgram, installCommand } from '../host/programs.ts';
import { systemDirectories } from '../host/system-directories.ts';
import { runBounded } from './run-bounded.ts';
import { requireEnd } from './tool-end.ts';
import { unsafeDisk } from './unsafe-disk.ts';

/** Programs of e2fsprogs that look at what a guest has written. */
export type DiskProgram = 'debugfs' | 'e2fsck';

export interface DiskRun {
  readonly program: DiskProgram;
  readonly args: readonly string[];
  /** Descriptors of this process; the program finds them as {@link sandboxed}. */
  readonly files: readonly number[];
  readonly input?: string;
  /** The user to become first; absent where the server itself is unprivileged. */
  readonly uid: number | undefined;
  /** No file may grow beyond it. */
  readonly largestFile: number;
}

export interface DiskOutcome {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Where the program finds the file that was given to it at this place. Opened again through `/proc`, which asks who
 * owns the file, and not who may enter the directories on the way to it.
 */
export function sandboxed(place: number): string {
  return `/proc/self/fd/${FIRST_DESCRIPTOR + place}`;
}

const FIRST_DESCRIPTOR = 3;

/** Checking a few gigabytes takes seconds; a hostile disk can make it take forever. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 8 * 1024 * 1024;
const MEMORY = 1024 ** 3;

/**
 * Runs a program on a disk that a guest has written: as an unprivileged user, within limits, and, if bubblewrap is
 * installed, without the files, network and processes of this host. A crash or an exceeded limit is taken as the
 * disk's fault; being ended from outside is not.
 */
export async function runOnDisk(run: DiskRun): Promise<DiskOutcome> {
  const program = await requireProgram(run.program);
  const sandbox = await diskSandbox();
  const { exitCode, signal, stdout, stderr, cutOff } = await runBounded({
    command: [
      ...(run.uid === undefined ? [] : ['setpriv', ...dropTo(run.uid)]),
      'prlimit',
      ...limits(run.largestFile),
      ...(sandbox.bubblewrap === undefined ? [] : [sandbox.bubblewrap, ...(await bubblewrapArguments())]),
      program,
      ...run.args,
    ],
    files: run.files,
    input: run.input ?? '',
    timeoutMs: TIMEOUT_MS,
    maxOutput: MAX_OUTPUT,
  });
  if (cutOff === 'time') throw unsafeDisk(`kept ${run.program} busy for more than ${TIMEOUT_MS / 1000} s`);
  if (cutOff === 'output') throw unsafeDisk(`made ${run.program} print more than ${MAX_OUTPUT} bytes`);
  if (/^(setpriv|prlimit|bwrap): /m.test(stderr)) {
    throw new SallyportError('CONFIG_HOST_UNSUITABLE', `${run.program} cannot be run: ${stderr}`);
  }
  return { exitCode: requireEnd(run.program, { exitCode, signal }), stdout, stderr };
}

async function requireProgram(name: DiskProgram): Promise<string> {
  const path = await findProgram(name);
  if (path !== undefined) return path;
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', `Disks of machines need ${name}, not found on this host.`, {
    hint: `Run: ${installCommand(['e2fsprogs'])}`,
  });
}

function dropTo(uid: number): readonly string[] {
  const options = `--reuid=${uid} --regid=${uid} --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all`;
  return [...options.split(' '), '--no-new-privs', '--pdeathsig=KILL', '--'];
}

function limits(largestFile: number): readonly string[] {
  const seconds = TIMEOUT_MS / 1000;
  // Where both limits of the time are one, the kernel sends SIGKILL at once, as another process may have.
  const time = `--cpu=${seconds}:${seconds + 1}`;
  return [`--fsize=${largestFile}`, `--as=${MEMORY}`, time, '--core=0', '--nofile=64', '--'];
}

async function bubblewrapArguments(): Promise<readonly string[]> {
  return [
    ...'--unshare-all --die-with-parent --new-session --clearenv --setenv LC_ALL C'.split(' '),
    ...'--ro-bind /usr /usr'.split(' '),
    ...(await systemDirectories()),
    ...'--proc /proc --remount-ro / --'.split(' '),
  ];
}

/** Any user will do for a probe; no machine gets this one. */
const PROBE_UID = 199_998;

/** How disks are kept away from this host. Probed once. */
export const diskSandbox = once(probe);

async function probe(): Promise<ProbedSandbox> {
  const bubblewrap = await findProgram('bwrap');
  if (bubblewrap === undefined) return { reason: 'it is not installed' };
  const drop = process.geteuid?.() === 0 ? ['setpriv', ...dropTo(PROBE_UID)] : [];
  const command = [...drop, bubblewrap, ...(await bubblewrapArguments()), '/usr/bin/true'];
  const { exitCode, stderr } = await runBounded({ command, timeoutMs: 10_000, maxOutput: 10_000 });
  if (exitCode === 0) return { bubblewrap };
  return { reason: `it does not work here: ${stderr.trim().split('\n').at(-1)}` };
}
