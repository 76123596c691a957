import { mkdir, rmdir, writeFile } from 'node:fs/promises';

import { hasCode } from '../safe-directory.ts';
import type { MachineLimits } from './machine-limits.ts';

/** Where machines get control groups on this host. */
export interface CgroupHost {
  /** What is limited, and how. */
  readonly sentence: string;
  create(name: string, limits: MachineLimits): Promise<MachineCgroup>;
  /** Removes a machine's groups. Its processes must have ended. */
  remove(name: string): Promise<void>;
}

/** The control groups of one machine. */
export interface MachineCgroup {
  /** A process joins by writing its ID to `cgroup.procs` in each. */
  readonly directories: readonly string[];
  /** Whether swap is limited as well. Not so in a kernel that does not account for it. */
  readonly limitsSwap: boolean;
}

/** Creates a group, or takes the one that an earlier start left. */
export async function makeGroup(directory: string): Promise<void> {
  await mkdir(directory).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
}

export async function writeSetting(file: string, value: number): Promise<void> {
  // Without O_CREAT: a setting that this kernel does not have is an error, not a file.
  await writeFile(file, String(value), { flag: 'r+' });
}

/** Writes a setting that some kernels do not have. Answers whether this one has it. */
export async function tryWriteSetting(file: string, value: number): Promise<boolean> {
  try {
    await writeSetting(file, value);
    return true;
  } catch (error) {
    // The second where swap accounting was turned off at boot.
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTSUP') || hasCode(error, 'EOPNOTSUPP')) return false;
    throw error;
  }
}

/** Removes a group that exists. The kernel counts a process that exited until its parent has read its status. */
export async function removeGroup(directory: string): Promise<void> {
  await rmdir(directory).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'EBUSY')) throw error;
  });
}
