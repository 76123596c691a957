import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';

import { hasCode } from '../host/node-error.ts';
import type { Host } from './estimate.ts';

/** The host that this runs on, where machines would live in this data directory. */
export async function describeThisHost(dataDirectory: string, capacity: Host['capacity']): Promise<Host> {
  return {
    processors: availableParallelism(),
    memoryMb: totalmem() / 2 ** 20,
    diskMb: await freeMb(dataDirectory),
    capacity,
  };
}

/** Of the file system that the directory is on, or will be on. */
async function freeMb(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return (bavail * bsize) / 2 ** 20;
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(folder) === folder) throw error;
    return freeMb(dirname(folder));
  }
}
