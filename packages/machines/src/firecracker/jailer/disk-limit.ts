import { appendFile, mkdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { RateLimiter, TokenBucket } from '../rate-limits.ts';
import type { JailLayout } from './layout.ts';

/** A machine's snapshot goes the same way as its disk, and a user waits for it. */
const HEADROOM = 4;

/**
 * Makes a machine's control group before the jailer does, with a bound on what its process reads and writes: the
 * jailer cannot set this one, because it takes no value with an equals sign in it. Firecracker's own limiter holds for
 * what the guest asks of its drives; this one holds for a Firecracker that a guest has taken over.
 */
export async function limitDisk(
  { cgroup }: Pick<JailLayout, 'cgroup'>,
  disk: string,
  limiter: RateLimiter,
  /** Where the hierarchy is mounted. */
  mount: string,
): Promise<void> {
  await appendFile(join(mount, 'cgroup.subtree_control'), '+io');
  const parent = join(mount, dirname(cgroup));
  await mkdir(parent, { recursive: true });
  await appendFile(join(parent, 'cgroup.subtree_control'), '+io');
  await mkdir(join(mount, cgroup));
  await appendFile(join(mount, cgroup, 'io.max'), diskLimit(disk, limiter));
}

/** One line of `io.max`; `disk` is `major:minor`. */
export function diskLimit(disk: string, { bandwidth, ops }: RateLimiter): string {
  const words = [
    ...(bandwidth ? [`rbps=${perSecond(bandwidth)}`, `wbps=${perSecond(bandwidth)}`] : []),
    ...(ops ? [`riops=${perSecond(ops)}`, `wiops=${perSecond(ops)}`] : []),
  ];
  return [disk, ...words].join(' ');
}

/**
 * The disk under a file, as `major:minor`. `undefined` if none can be limited, as for a file in memory
 * or on a file system of several disks.
 */
export async function findDisk(path: string, sys = '/sys'): Promise<string | undefined> {
  const { dev } = await stat(path, { bigint: true });
  return diskOf(deviceNumber(dev), sys);
}

/** The kernel limits whole disks alone, so of a partition it is the disk that has it. */
export async function diskOf(device: string, sys: string): Promise<string | undefined> {
  const folder = await realpath(join(sys, 'dev', 'block', device)).catch(() => undefined);
  if (folder === undefined) {
    return undefined;
  }
  const isPartition = await stat(join(folder, 'partition')).catch(() => undefined);
  return isPartition ? (await readFile(join(folder, '..', 'dev'), 'utf8')).trim() : device;
}

/** makedev(3): both numbers are spread over the bits of one. */
export function deviceNumber(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

const perSecond = ({ size, refill_time: ms }: TokenBucket): number => Math.ceil((size * 1000 * HEADROOM) / ms);
