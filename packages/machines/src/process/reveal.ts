import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

import { execa } from 'execa';

import type { CommandLine } from './bubblewrap.ts';
import { outerEnvironment } from './bubblewrap.ts';
import { chooseStagingPoint, dropTo } from './drop-privileges.ts';

/**
 * Returns the topmost directory on the way to each path that an unprivileged user cannot enter, such as `/root`.
 * Paths whose directories are all open have none.
 */
export async function findClosedDirectories(paths: readonly string[]): Promise<readonly string[]> {
  const closed = await Promise.all(paths.map(findClosedDirectory));
  return [...new Set(closed.filter((path) => path !== undefined))];
}

async function findClosedDirectory(path: string): Promise<string | undefined> {
  let topmost: string | undefined;
  for (let directory = dirname(path); ; directory = dirname(directory)) {
    const facts = await stat(directory).catch(() => undefined);
    if (facts && (facts.mode & 0o001) === 0) topmost = directory;
    if (directory === dirname(directory)) return topmost;
  }
}

export interface RevealRequest {
  /** Files and directories that the program needs, at the same paths. */
  readonly paths: readonly string[];
  /** Result of {@link findClosedDirectories} for these paths. */
  readonly closed: readonly string[];
  readonly uid: number;
  readonly argv: CommandLine;
}

/**
 * Builds the command that runs a program as an unprivileged user who can reach paths below directories that only root
 * may enter. In a new mount namespace, each closed directory is replaced by an empty one that holds the needed paths
 * alone. Needs root and the right to mount.
 */
export function revealCommand({ paths, closed, uid, argv }: RevealRequest): CommandLine {
  const needed = paths.filter((path) => closed.some((directory) => path.startsWith(`${directory}/`)));
  const stage = chooseStagingPoint([...needed, ...closed]);
  return [
    ...(['unshare', '--mount', '--propagation', 'private', '--', '/bin/sh', '-c', SCRIPT, 'reveal', stage] as const),
    ...closed,
    '--',
    ...needed,
    '--',
    ...dropTo(uid),
    '--',
    ...argv,
  ];
}

/** Holds on to the needed paths, covers the closed directories, then mounts the paths where they were. */
const SCRIPT = `set -eu
ulimit -c 0
mask=$(umask); umask 066
stage=$1; shift
mount -t tmpfs -o mode=0700,size=64k,nr_inodes=256,nosuid,nodev tmpfs "$stage"
covers=0
for path do [ "$path" != -- ] || break; covers=$((covers+1)); done
i=0; n=0
for path do
  i=$((i+1))
  [ $i -gt $((covers+1)) ] || continue
  [ "$path" != -- ] || break
  n=$((n+1))
  if [ -d "$path" ]; then mkdir "$stage/$n"; else : > "$stage/$n"; fi
  mount --bind -- "$path" "$stage/$n"
done
while [ "$1" != -- ]; do
  mount -t tmpfs -o mode=0711,size=64k,nr_inodes=1024,nosuid,nodev tmpfs "$1"
  shift
done
shift
n=0
while [ "$1" != -- ]; do
  n=$((n+1))
  if [ -d "$stage/$n" ]; then mkdir -p "$1"; else mkdir -p "\${1%/*}"; [ -e "$1" ] || : > "$1"; fi
  mount --bind -- "$stage/$n" "$1"
  shift
done
shift
umount --recursive --lazy "$stage"
umask "$mask"
cd "$PWD"
exec "$@"`;

const PROBE_TIMEOUT_MS = 10_000;

/** Checks whether this host lets root mount in a new mount namespace. Most containers do not. */
export async function canReveal(): Promise<boolean> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return false;
  const script = 'mount -t tmpfs tmpfs /mnt && umount /mnt';
  const result = await execa('unshare', ['--mount', '--propagation', 'private', '--', '/bin/sh', '-c', script], {
    reject: false,
    cwd: '/',
    env: outerEnvironment,
    extendEnv: false,
    stdio: 'ignore',
    timeout: PROBE_TIMEOUT_MS,
  });
  return !result.failed;
}
