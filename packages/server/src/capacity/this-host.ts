import { availableParallelism, totalmem } from 'node:os';

import { readDiskSpace } from '../host/disk-space.ts';
import type { Host } from './estimate.ts';

/** The host that this runs on, where machines would live in this data directory. */
export async function describeThisHost(dataDirectory: string, capacity: Host['capacity']): Promise<Host> {
  return {
    processors: availableParallelism(),
    memoryMb: totalmem() / 2 ** 20,
    diskMb: (await readDiskSpace(dataDirectory)).freeBytes / 2 ** 20,
    capacity,
  };
}
