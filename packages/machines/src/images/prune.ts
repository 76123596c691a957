import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { hasCode } from '../host/safe-directory.ts';
import { imageKinds, kernelVariants } from './image.ts';
import type { Image } from './image.ts';
import { findUse } from './image-use.ts';
import type { ImageUse } from './image-use.ts';
import { pickImage } from './pick-image.ts';
import { createImageStore } from './store.ts';
import { openBuildSite } from './unfinished.ts';

export interface PruneOptions {
  /** Images lie below it, one directory each. */
  readonly directory: string;
  /** Reads what needs images now. Rejects if that cannot be told; then no image is removed. */
  readonly listUses: () => Promise<readonly ImageUse[]>;
  /** Names of images that something unknown to this host's records needs, such as a plugin's `machine.plan`. Default none. */
  readonly keep?: readonly string[];
  /** Reports what it would remove, and removes nothing. Default `false`. */
  readonly dryRun?: boolean;
}

export interface PruneReport {
  readonly removed: readonly RemovedImage[];
  readonly kept: readonly ImageUse[];
}

export interface RemovedImage {
  readonly name: string;
  /** Bytes that the file system gets back now. A file that a running machine has a link to counts when that ends. */
  readonly bytes: number;
}

/**
 * Removes the images that nothing needs. Keeps the newest of each kind, and of each variant of the kernel: new machines
 * take those. Leaves damaged images alone. Throws `MACHINE_IMAGE_MISSING` for an unknown name in `keep`, and
 * `MACHINE_FAILED` if it cannot tell what is needed.
 *
 * A server may create machines meanwhile. It writes a machine's record first and then checks that its image is there;
 * this takes the image away first and then reads the records. So at least one of the two sees the other.
 */
export async function pruneImages(options: PruneOptions): Promise<PruneReport> {
  const { directory, keep = [], dryRun = false } = options;
  const images = await createImageStore({ directory }).list();
  const unknown = keep.find((name) => !images.some((image) => image.name === name));
  if (unknown !== undefined) throw new SallyportError('MACHINE_IMAGE_MISSING', `There is no image "${unknown}".`);
  const current = [...currentImages(images), ...keep.map((image) => ({ image, by: 'it is to be kept' }))];
  const listUses = async (): Promise<readonly ImageUse[]> => [...current, ...(await tryListUses(options))];
  const uses = await listUses();
  const removed: RemovedImage[] = [];
  const kept: ImageUse[] = [];
  for (const image of images) {
    const use = findUse(image, uses);
    if (use) {
      kept.push({ image: image.name, by: use.by });
      continue;
    }
    const bytes = await freedBytes(image);
    const late = dryRun ? undefined : await removeUnlessUsed(image, directory, listUses);
    if (late) kept.push({ image: image.name, by: late.by });
    else removed.push({ name: image.name, bytes });
  }
  return { removed, kept };
}

function currentImages(images: readonly Image[]): readonly ImageUse[] {
  const wanted = [
    ...imageKinds.filter((kind) => kind !== 'kernel'),
    ...kernelVariants.map((variant) => ({ kind: 'kernel', variant }) as const),
  ];
  const found = wanted.map((one) => pickImage(images, one)).filter((image) => image !== undefined);
  return found.map(({ name }) => ({ image: name, by: 'it is the newest of its kind' }));
}

async function tryListUses({ listUses }: PruneOptions): Promise<readonly ImageUse[]> {
  try {
    return await listUses();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SallyportError('MACHINE_FAILED', `It is unknown which images are needed, so none is removed. ${why}`, {
      hint: 'Repair or remove what the message names, or run the command as the user of the server.',
      cause,
    });
  }
}

/** Returns what has come to need it in the meantime; then it is back in its place. */
async function removeUnlessUsed(
  image: Image,
  directory: string,
  listUses: () => Promise<readonly ImageUse[]>,
): Promise<ImageUse | undefined> {
  // If this process is killed, the next build clears the site.
  await using site = await openBuildSite(directory);
  try {
    await rename(image.directory, site.image);
  } catch (error) {
    // Removed by another prune.
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const use = findUse(image, await listUses());
    if (use) await rename(site.image, image.directory);
    return use;
  } catch (error) {
    await rename(site.image, image.directory);
    throw error;
  }
}

const BLOCK_BYTES = 512;

/** What its files take on the disk: an image has holes. */
async function freedBytes({ directory }: Image): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) {
    const { blocks, nlink } = await stat(join(directory, name));
    if (nlink === 1) bytes += blocks * BLOCK_BYTES;
  }
  return bytes;
}
