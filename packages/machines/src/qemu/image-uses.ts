import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { namesIn } from '../host/names-in.ts';
import { hasCode } from '../host/safe-directory.ts';
import { readUnverified } from '../host/seal.ts';
import type { ImageUse } from '../images/image-use.ts';
import { isMachineId } from '../process/layout.ts';
import { qemuDirectory, qemuLayout } from './layout.ts';
import type { QemuLayout } from './layout.ts';
import { readQemuRecord } from './machine-record.ts';
import type { SnapshotManifest } from './snapshot/manifest.ts';
import { SNAPSHOT_MANIFEST } from './snapshot/snapshot-directory.ts';
import { openShelf } from './template/shelf.ts';

/**
 * Returns what needs images: machines, their snapshots, and templates of browser machines, finished or not. A directory
 * without a record is what a killed server left, which the next one removes. Rejects if a record cannot be read.
 */
export async function listQemuImageUses(dataDirectory: string): Promise<readonly ImageUse[]> {
  const shelf = openShelf(dataDirectory);
  const ids = (await namesIn(qemuDirectory(dataDirectory))).filter(isMachineId);
  const machines = ids.map((id) => qemuLayout(dataDirectory, id));
  // Before the finished ones: a template that is finished in between is found there.
  const uses = await Promise.all([...machines, ...(await shelf.leftovers())].map(usesOf));
  const templates = (await shelf.list()).flatMap(({ key, facts }) =>
    [facts.image, facts.kernel].map((image) => ({ image, by: `template ${key}` })),
  );
  return [...templates, ...uses.flat()];
}

async function usesOf(layout: QemuLayout): Promise<readonly ImageUse[]> {
  const record = await readQemuRecord(layout.record);
  if (!record) return [];
  const by = `machine ${record.plan.machineId}`;
  const named = [record.image, record.plan.image].filter((image) => image !== undefined);
  const asleep = (await snapshotImages(layout)).map((image) => ({ image, by: `the snapshot of ${by}` }));
  return [...named.map((image) => ({ image, by })), ...asleep];
}

/** A manifest of another shape can be woken by nobody, so it needs nothing. */
async function snapshotImages({ snapshot }: QemuLayout): Promise<readonly string[]> {
  const sealed = await readFile(join(snapshot, SNAPSHOT_MANIFEST), 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return '';
    throw error;
  });
  const { facts }: Partial<SnapshotManifest> = Object(readUnverified(sealed));
  return facts ? [facts.kernel, facts.image] : [];
}
