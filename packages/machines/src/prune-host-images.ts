import { join } from 'node:path';

import { listFirecrackerImageUses } from './firecracker/image-uses.ts';
import { pruneImages } from './images/prune.ts';
import type { PruneOptions, PruneReport } from './images/prune.ts';
import { listQemuImageUses } from './qemu/image-uses.ts';

export type { ImageUse } from './images/image-use.ts';
export type { PruneReport, RemovedImage } from './images/prune.ts';

export interface PruneHostImagesOptions extends Pick<PruneOptions, 'keep' | 'dryRun'> {
  readonly dataDirectory: string;
}

/**
 * Removes the images in `images/` of a data directory that no machine, snapshot or template of our drivers in that
 * directory needs, whichever driver is configured now. A server may run meanwhile.
 */
export function pruneHostImages({ dataDirectory, ...options }: PruneHostImagesOptions): Promise<PruneReport> {
  return pruneImages({
    ...options,
    directory: join(dataDirectory, 'images'),
    listUses: async () => [
      ...(await listQemuImageUses(dataDirectory)),
      ...(await listFirecrackerImageUses(dataDirectory)),
    ],
  });
}
