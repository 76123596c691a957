import { mkdir } from 'node:fs/promises';

import type { MachinePlan } from '@sallyport/core/driver';

import { createDisk } from '../disk/create-disk.ts';
import { removeTree } from '../host/remove-tree.ts';
import type { ImageStore } from '../images/store.ts';
import { allotUser, releaseUser } from '../process/user-allotment.ts';
import type { QemuLayout } from './layout.ts';
import { writeQemuRecord } from './machine-record.ts';
import type { QemuRecord } from './machine-record.ts';

export interface LayDown {
  readonly plan: MachinePlan;
  /** Name of its image. */
  readonly image: string;
  readonly images: Pick<ImageStore, 'open'>;
  readonly layout: QemuLayout;
  /** Of all machines: it knows whose each user is. */
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** Allots a user and creates a machine's directory with its record and disk. Leaves nothing behind on failure. */
export async function layDown(wanted: LayDown): Promise<QemuRecord> {
  const { plan, image, images, layout, directory, signal } = wanted;
  const { machineId } = plan;
  const uid = process.geteuid?.() === 0 ? await allotUser(directory, machineId) : undefined;
  const owner = uid === undefined ? {} : { uid };
  try {
    // Remove leftovers of a machine that was being created or removed when the server died.
    await removeTree(layout.root);
    await mkdir(layout.root, { mode: 0o711 });
    const record: QemuRecord = { plan, ...owner, image };
    // Write this first: a restarted server finds the rest by it.
    await writeQemuRecord(layout.record, record);
    // `sallyport images prune` keeps what a record names; it may have removed the image before there was this one.
    await images.open(image, { signal });
    await createDisk(layout.disk, { sizeMb: plan.diskMb, ...(uid !== undefined && { owner: uid }), signal });
    signal.throwIfAborted();
    return record;
  } catch (error) {
    await removeTree(layout.root);
    if (uid !== undefined) await releaseUser(directory, uid, machineId);
    throw error;
  }
}
