import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { namesIn } from '../host/names-in.ts';
import { hasCode } from '../host/safe-directory.ts';
import { readUnverified } from '../host/seal.ts';
import type { ImageUse } from '../images/image-use.ts';
import { isMachineId } from '../process/layout.ts';
import { directoriesOf, machineFiles } from './machine/layout.ts';
import type { MachineFiles } from './machine/layout.ts';
import { readRecord } from './machine/record.ts';
import { MANIFEST } from './snapshot/generations.ts';
import type { SnapshotManifest } from './snapshot/manifest.ts';

/**
 * Returns what needs images: machines and their snapshots. A directory without a record is what a killed server left,
 * which the next one removes. Rejects if a record cannot be read.
 */
export async function listFirecrackerImageUses(dataDirectory: string): Promise<readonly ImageUse[]> {
  const folders = directoriesOf(dataDirectory);
  const ids = (await namesIn(folders.machines)).filter(isMachineId);
  return (await Promise.all(ids.map((id) => usesOf(machineFiles(folders, id))))).flat();
}

async function usesOf(files: MachineFiles): Promise<readonly ImageUse[]> {
  const record = await readRecord(files.record);
  if (!record) return [];
  const by = `machine ${record.plan.machineId}`;
  const named = [record.image, record.plan.image].filter((image) => image !== undefined);
  const asleep = (await snapshotImages(files)).map((image) => ({ image, by: `the snapshot of ${by}` }));
  return [...named.map((image) => ({ image, by })), ...asleep];
}

/** A manifest of another shape can be woken by nobody, so it needs nothing. */
async function snapshotImages({ snapshots }: MachineFiles): Promise<readonly string[]> {
  const images: string[] = [];
  for (const name of await namesIn(snapshots)) {
    const sealed = await readFile(join(snapshots, name, MANIFEST), 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return '';
      throw error;
    });
    const { sources }: Partial<SnapshotManifest> = Object(readUnverified(sealed));
    if (sources) images.push(sources.kernel, sources.base);
  }
  return images;
}
