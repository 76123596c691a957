import type { MachinePlan } from '@sallyport/core/driver';

import { checkInstanceId } from '../names.ts';
import { API_SOCKET, PARENT_CGROUP } from './layout.ts';

export interface JailedMachine {
  /** Names the jail, its control group and the Firecracker process: new for each boot. */
  readonly id: string;
  /** Paths of both programs, of one version. */
  readonly jailer: string;
  readonly firecracker: string;
  /** Only root may write here or above. */
  readonly baseDirectory: string;
  /** Number of the user and of the group that this machine has for itself. */
  readonly user: number;
  /** The network namespace that has the machine's TAP device, as a file. */
  readonly namespace: string;
  readonly plan: Pick<MachinePlan, 'memoryMb' | 'vcpus' | 'diskMb'>;
}

/** What the process takes beside the guest's memory: itself, page tables, and the files it is writing. */
const OVERHEAD_MB = 44;
/** One thread for each processor, for the API and for the monitor, with some to spare. */
const MAX_TASKS = 64;
const MAX_FILES = 1024;
/** Of a processor's time, in microseconds. */
const PERIOD_US = 100_000;
/** Above the largest of its files: one that is exactly as large as the limit must still be written. */
const FILE_SLACK_MB = 16;
const MIB = 1024 * 1024;

/**
 * The jailer's command line. It trusts all of it and cleans nothing up. Its system call filter is on unless asked
 * otherwise, which nothing here does; a program of the gnu build would have none.
 */
export function jailerCommand(machine: JailedMachine): readonly string[] {
  const { id, jailer, firecracker, baseDirectory, user, namespace, plan } = machine;
  checkInstanceId(id);
  const controls = [
    `memory.max=${plan.memoryMb + OVERHEAD_MB}M`,
    // What a guest remembers must not reach a disk that outlives it.
    'memory.swap.max=0',
    `cpu.max=${plan.vcpus * PERIOD_US} ${PERIOD_US}`,
    `pids.max=${MAX_TASKS}`,
  ];
  const limits = [
    // Beyond this it is ended (SIGXFSZ), so it covers the disk and the memory that a snapshot writes.
    `fsize=${(Math.max(plan.diskMb, plan.memoryMb) + FILE_SLACK_MB) * MIB}`,
    `no-file=${MAX_FILES}`,
  ];
  const options: readonly (readonly [name: string, value: string])[] = [
    ['--id', id],
    ['--exec-file', firecracker],
    ['--uid', String(user)],
    ['--gid', String(user)],
    ['--chroot-base-dir', baseDirectory],
    ['--netns', namespace],
    ['--cgroup-version', '2'],
    ['--parent-cgroup', PARENT_CGROUP],
    ...controls.map((control) => ['--cgroup', control] as const),
    ...limits.map((limit) => ['--resource-limit', limit] as const),
  ];
  return [jailer, ...options.flat(), '--new-pid-ns', '--daemonize', '--', '--api-sock', API_SOCKET];
}
