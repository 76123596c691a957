import { execa } from 'execa';

import { programPath } from '../host/programs.ts';

/**
 * Turns blocks of zeros of a file into holes, which take no space on the disk (fallocate(1) of util-linux). What is read
 * from the file stays the same. Does nothing where the file system has no holes or the program is missing: it only
 * saves space.
 */
export async function digHoles(path: string, signal: AbortSignal): Promise<void> {
  await execa('fallocate', ['--dig-holes', '--', path], {
    env: { PATH: programPath },
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: DIG_TIMEOUT_MS,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
}

const DIG_TIMEOUT_MS = 60_000;
