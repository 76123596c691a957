import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

import { defaultSettings } from '@sallyport/core';
import type { DiskSpace, Settings } from '@sallyport/core';

import { hasCode } from './node-error.ts';

/** Of the file system that the directory is on, or will be on. Counts what an ordinary user may take. */
export async function readDiskSpace(directory: string): Promise<DiskSpace> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(directory) === directory) throw error;
    return readDiskSpace(dirname(directory));
  }
}

/** So many percent of the disk stay free, as far as the bytes of the defaults go. Hibernation may go below that. */
export function diskSettings(minFreePercent: number): Settings['disk'] {
  const { toStart, toHibernate } = defaultSettings.disk;
  const share = minFreePercent / 100;
  return { toStart: { ...toStart, share }, toHibernate: { ...toHibernate, share: Math.min(toHibernate.share, share) } };
}
