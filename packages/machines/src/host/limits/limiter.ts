import { readFile } from 'node:fs/promises';

import { once } from '../once.ts';
import { findOwnCgroups } from './cgroup-files.ts';
import type { CgroupHost } from './cgroup-host.ts';
import { openCgroupsV1 } from './cgroup-v1.ts';
import { openCgroupsV2 } from './cgroup-v2.ts';
import { OPEN_FILES } from './machine-limits.ts';
import type { MachineLimits } from './machine-limits.ts';

/** How this host limits what a machine uses. */
export interface Limiter {
  /** Whether memory and processes of a machine are limited as a whole. */
  readonly isWhole: boolean;
  /** Whether a machine that has used up its memory gets no swap. */
  readonly limitsSwap: boolean;
  readonly sentence: string;
  /** Prepares a start. Returns the start of the command that limits whatever follows it. */
  limit(name: string, limits: MachineLimits, uid: number | undefined): Promise<readonly string[]>;
  /** Gives up what {@link limit} made. The machine's processes must have ended. */
  release(name: string): Promise<void>;
}

/** Joins the control groups named before `--`, then goes on with the rest as its command. */
const JOIN = `set -eu
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done
shift
exec "$@"`;

/** Least limit of one process's data without control groups: Node reserves this much at its start. */
const LEAST_DATA_BYTES = 2 * 1024 ** 3;

/** Chooses cgroup v2 if it is delegated, else v1, else the resource limits of single processes. Decided once. */
export const openLimiter = once(async (): Promise<Limiter> => {
  if (process.platform !== 'linux') return unlimited;
  const own = await findOwnCgroups();
  const cgroups = (await openWritable(await openCgroupsV2(own))) ?? (await openWritable(openCgroupsV1(own)));
  const openFiles = Math.min(OPEN_FILES, await readHardOpenFiles());
  return cgroups ? limitByCgroup(cgroups, openFiles) : limitByProcess(openFiles);
});

/** A host in which this server may create groups, and what those limit. */
interface WritableCgroups {
  readonly host: CgroupHost;
  readonly limitsSwap: boolean;
}

async function openWritable(cgroups: CgroupHost | undefined): Promise<WritableCgroups | undefined> {
  if (cgroups === undefined) return undefined;
  const name = `sallyport-probe-${process.pid}`;
  try {
    const { limitsSwap } = await cgroups.create(name, { memoryBytes: 1024 ** 3, processes: 16 });
    return { host: cgroups, limitsSwap };
  } catch {
    return undefined;
  } finally {
    await cgroups.remove(name).catch(() => {});
  }
}

function limitByCgroup({ host, limitsSwap }: WritableCgroups, openFiles: number): Limiter {
  return {
    isWhole: true,
    limitsSwap,
    sentence: `${host.sentence}${limitsSwap ? ', no swap' : ''}; ${openFiles} open files for each process`,
    limit: async (name, limits) => {
      const { directories } = await host.create(name, limits);
      return ['/bin/sh', '-c', JOIN, 'limit', ...directories, '--', ...resourceLimits(openFiles, [])];
    },
    release: (name) => host.remove(name),
  };
}

function limitByProcess(openFiles: number): Limiter {
  return {
    isWhole: false,
    limitsSwap: false,
    sentence: 'open files and memory of each process alone, by prlimit',
    limit: (_name, { memoryBytes, processes }, uid) =>
      Promise.resolve(
        resourceLimits(openFiles, [
          `--data=${Math.max(LEAST_DATA_BYTES, memoryBytes)}`,
          // Counted for each user: only a machine with its own user can have it.
          ...(uid === undefined ? [] : [`--nproc=${processes}`]),
        ]),
      ),
    release: () => Promise.resolve(),
  };
}

function resourceLimits(openFiles: number, others: readonly string[]): readonly string[] {
  return ['prlimit', '--core=0', `--nofile=${openFiles}`, ...others, '--'];
}

const unlimited: Limiter = {
  isWhole: false,
  limitsSwap: false,
  sentence: 'nothing',
  limit: () => Promise.resolve([]),
  release: () => Promise.resolve(),
};

/** An unprivileged server cannot raise its hard limit. */
async function readHardOpenFiles(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? OPEN_FILES);
}
