import { createSerialQueue, decodeCredentialText, findFileProblem, MAX_CREDENTIAL_BYTES } from '@sallyport/core/driver';
import type { MachineDisk, MachineRole, PlacedFile } from '@sallyport/core/driver';

import { lookUp, readFiles } from './debugfs.ts';
import type { OpenDisk } from './debugfs.ts';
import { eraseHome } from './erase-home.ts';
import type { Inode } from './inode.ts';
import { find, pathsOf } from './lookup.ts';
import { homePlace, placesOf } from './places.ts';
import type { DiskPlace } from './places.ts';
import { putFiles, removeFiles } from './rewrite.ts';
import { unsafePath } from './unsafe-disk.ts';
import { copyDisk, openDiskFile } from './working-copy.ts';

export interface OfflineDiskOptions {
  /** The ext4 file that `createDisk` made. As root, its tools run as the user it belongs to. */
  readonly path: string;
  readonly role: MachineRole;
  /** Runs the work while the machine is stopped, does not hibernate and cannot start; else throws MACHINE_BUSY. */
  readonly requireFree: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * The disk of a virtual machine, used from outside while it does not run. This host never mounts it: whatever a guest
 * has written is read by e2fsprogs alone, as a user without rights, and a disk that these refuse is never written. Only the
 * entries of a directory and the first bytes of an inode are parsed here; see `eraseHome`.
 */
export function createOfflineDisk({ path, role, requireFree }: OfflineDiskOptions): MachineDisk {
  const line = createSerialQueue();

  /** Checks the paths before anything is touched. One piece of work at a time: each replaces the file. */
  async function at<T>(
    provider: string,
    paths: readonly string[],
    work: (places: readonly DiskPlace[]) => Promise<T>,
  ): Promise<T> {
    const places = placesOf(role, provider, paths);
    return line(() => requireFree(() => work(places)));
  }

  return {
    harvest: (provider, paths) =>
      at(provider, paths, async (places) => {
        if (places.length === 0) return [];
        await using original = await openDiskFile(path);
        if (original.state.clean) return await harvest(original.disk, places);
        // Its machine died. What it wrote last may be in the journal alone.
        await using copy = await copyDisk(path);
        return await harvest(copy.disk, places);
      }),
    inject: async (provider, given) => {
      const files = [...new Map(given.map((file) => [file.path, file])).values()];
      const large = files.find(({ content }) => Buffer.byteLength(content) > MAX_CREDENTIAL_BYTES);
      if (large) throw unsafePath(large.path, `would be larger than ${MAX_CREDENTIAL_BYTES} bytes`);
      const paths = files.map((file) => file.path);
      await at(provider, paths, async (places) => {
        if (places.length === 0) return;
        await using copy = await copyDisk(path);
        await putFiles(copy, places, files);
        await copy.replace();
      });
    },
    remove: (provider, paths) =>
      at(provider, paths, async (places) => {
        if (places.length === 0) return;
        await using copy = await copyDisk(path);
        if (await removeFiles(copy, places)) await copy.replace();
      }),
    eraseHome: async (provider) => {
      const home = homePlace(provider);
      await line(() =>
        requireFree(async () => {
          await using copy = await copyDisk(path);
          if (await eraseHome(copy, home)) await copy.replace();
        }),
      );
    },
  };
}

async function harvest(disk: OpenDisk, places: readonly DiskPlace[]): Promise<readonly PlacedFile[]> {
  const lookup = await lookUp(disk, pathsOf(places));
  const found = places.flatMap((place) => {
    const inode = find(lookup, place);
    if (!inode || inode.kind === 'whiteout') return [];
    requireCredential(inode, place.shown);
    return [{ shown: place.shown, path: place.path, size: inode.size, mode: inode.mode & 0o777 }];
  });
  const contents = await readFiles(disk, found);
  return found.map(({ shown, mode }, index) => ({ path: shown, content: textOf(contents[index], shown), mode }));
}

function requireCredential(inode: Inode, shown: string): void {
  const kind = inode.kind === 'link' ? 'link' : inode.kind === 'file' && inode.plain ? 'file' : 'other';
  const problem = findFileProblem({ kind, links: inode.links, size: inode.size });
  if (problem !== undefined) throw unsafePath(shown, problem);
}

function textOf(bytes: Buffer | undefined, shown: string): string {
  const text = decodeCredentialText(bytes ?? new Uint8Array());
  if (text === undefined) throw unsafePath(shown, 'is not UTF-8 text');
  return text;
}
