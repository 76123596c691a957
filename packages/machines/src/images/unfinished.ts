import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readlink, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { identifyProcess } from '../host/process.ts';
import { removeTree } from '../host/remove-tree.ts';
import { namesIn } from '../host/names-in.ts';
import { hashValue } from './hash.ts';

/** Where one build works. Removed when it is disposed. */
export interface BuildSite extends AsyncDisposable {
  /** An empty directory. Other users can traverse it, and cannot list it. */
  readonly scratch: string;
  /** Path for the finished directory of the image, on the file system of the images. */
  readonly image: string;
}

const UNFINISHED = '.unfinished';
const SCRATCH_LINK = 'scratch';
const SCRATCH_PREFIX = 'sallyport-image-';

/** Whether an entry of the images' directory belongs to a build, and is not an image. */
export function isUnfinished(name: string): boolean {
  return name.endsWith(UNFINISHED);
}

/**
 * Creates `<pid>-<hash of its birth>-<random>.unfinished` among the images, with a link to the scratch directory, so
 * that the next build finds both if this process is killed. The scratch directory is in the system's temporary
 * directory: a build in a user namespace runs as another user, who cannot enter a data directory.
 */
export async function openBuildSite(directory: string): Promise<BuildSite> {
  const random = randomBytes(6).toString('hex');
  const site = join(directory, `${await ownerName(process.pid)}-${random}${UNFINISHED}`);
  const scratch = join(tmpdir(), `${SCRATCH_PREFIX}${random}`);
  await mkdir(site, { recursive: true, mode: 0o755 });
  try {
    // First, so that there is never a scratch directory without its link.
    await symlink(scratch, join(site, SCRATCH_LINK));
    await mkdir(scratch);
    await chmod(scratch, 0o711);
  } catch (error) {
    await removeTree(site);
    throw error;
  }
  return { scratch, image: join(site, 'image'), [Symbol.asyncDispose]: () => removeSite(site) };
}

/** Removes what builds left whose process has ended. Reports what cannot be removed; the next build tries again. */
export async function removeDeadBuilds(directory: string, onProgress: (message: string) => void): Promise<void> {
  const names = await namesIn(directory);
  for (const name of names.filter(isUnfinished)) {
    if (await isBeingBuilt(name)) continue;
    const site = join(directory, name);
    await removeSite(site).catch((error: unknown) => {
      onProgress(`${site}, left by a build that was killed, cannot be removed: ${String(error)}`);
    });
  }
}

async function removeSite(site: string): Promise<void> {
  const scratch = await readlink(join(site, SCRATCH_LINK)).catch(() => undefined);
  if (scratch !== undefined && basename(scratch).startsWith(SCRATCH_PREFIX)) await removeTree(scratch);
  await removeTree(site);
}

/** Names without a process come from earlier versions. */
async function isBeingBuilt(name: string): Promise<boolean> {
  const [, owner, pid] = /^((\d+)-[0-9a-f]{16})-/.exec(name) ?? [];
  return owner !== undefined && owner === (await ownerName(Number(pid)).catch(() => undefined));
}

/** A process ID alone is used again. */
async function ownerName(pid: number): Promise<string> {
  const known = await identifyProcess(pid);
  if (!known) throw new SallyportError('MACHINE_IMAGE_FAILED', `Process ${pid} does not run.`);
  return `${pid}-${hashValue(known.born).slice(0, 16)}`;
}
