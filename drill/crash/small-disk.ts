import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';

/** A file system in memory that can be made full. */
export interface SmallDisk {
  /** From now on nothing more can be written. */
  fill(): void;
  makeRoom(): void;
  close(): void;
}

/** What a full disk of a host has room for. In memory it takes only what is written. */
const SIZE = '4g';

/** Mounts it at the directory, which is made for it. Only root may mount on Linux. */
export async function mountSmallDisk(directory: string): Promise<SmallDisk> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('The crash drill mounts a disk that it can fill. Run it as root on Linux.');
  }
  await mkdir(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=0711`, 'tmpfs', directory]);
  const resize = (size: string | number): void => {
    execFileSync('mount', ['-o', `remount,size=${size}`, directory]);
  };
  return {
    fill: () => {
      const { blocks, bfree, bsize } = statfsSync(directory);
      // A size of 0 would be no limit.
      resize(Math.max(1, (blocks - bfree) * bsize));
    },
    makeRoom: () => resize(SIZE),
    close: () => void execFileSync('umount', ['--lazy', directory]),
  };
}
