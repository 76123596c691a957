import { randomBytes } from 'node:crypto';

import type { PlacedFile } from '@sallyport/core/driver';

import { asideName } from '../host/aside-name.ts';
import { changeDisk, lookUp, readFiles } from './debugfs.ts';
import type { Inode } from './inode.ts';
import { find, pathsOf } from './lookup.ts';
import type { DiskDirectory, DiskPlace } from './places.ts';
import { GUEST_UID } from './places.ts';
import { sandboxed } from './sandbox.ts';
import { unsafeDisk, unsafePath } from './unsafe-disk.ts';
import { checkDisk } from './working-copy.ts';
import type { WorkingCopy } from './working-copy.ts';

/** Writes files into a copy of a disk, and reads all of them back from it. */
export async function putFiles(
  copy: WorkingCopy,
  places: readonly DiskPlace[],
  files: readonly PlacedFile[],
): Promise<void> {
  const { disk } = copy;
  const lookup = await lookUp(disk, pathsOf(places));
  const commands: string[] = [];
  const made = new Set<string>();
  for (const [index, place] of places.entries()) {
    const present = find(lookup, place);
    if (present?.kind === 'folder') throw unsafePath(place.shown, 'is a directory');
    for (const folder of place.folders) {
      const inode = lookup.inodes.get(folder.path);
      if (made.has(folder.path) || inode?.kind === 'folder') continue;
      commands.push(...(inode ? [`rm ${folder.path}`] : []), ...makeDirectory(folder));
      made.add(folder.path);
    }
    if (present) commands.push(`rm ${place.path}`);
    commands.push(...writeFile(place.path, index + 1, files[index]?.mode ?? 0o600));
  }
  await using staged = await copy.stage(files.map(({ content }) => content));
  await changeDisk(disk, commands, staged.descriptors);
  await checkDisk(disk, { thorough: true });
  await readBack(copy, places, files, made);
}

/**
 * Answers whether there was anything to remove. A directory is moved aside: it is not a credential, and what is in it may
 * be wanted.
 */
export async function removeFiles(copy: WorkingCopy, places: readonly DiskPlace[]): Promise<boolean> {
  const { disk } = copy;
  const lookup = await lookUp(disk, pathsOf(places));
  const kinds = new Map<string, Inode['kind']>();
  const present = places.filter((place) => {
    const kind = find(lookup, place)?.kind;
    if (kind === undefined || kind === 'whiteout') return false;
    kinds.set(place.path, kind);
    return true;
  });
  if (present.length === 0) return false;
  // Neither `ln` nor `unlink` counts names, and the directory stays in the one that it was in.
  const commands = [...kinds].flatMap(([path, kind]) =>
    kind === 'folder' ? [`ln ${path} ${asideName(path)}`, `unlink ${path}`] : [`rm ${path}`],
  );
  await changeDisk(disk, commands, []);
  await checkDisk(disk, { thorough: true });
  const after = await lookUp(disk, pathsOf(present));
  for (const place of present) if (find(after, place)) throw unsafeDisk(`still has ${place.shown}, which was removed`);
  return true;
}

/** `set_inode_field` takes the mode with the type of the file in it. */
function makeDirectory({ path, mode, uid }: DiskDirectory): readonly string[] {
  return [`mkdir ${path}`, ...setInode(path, 0o040000 | mode, uid)];
}

/**
 * `write` makes a file in debugfs' own current directory, whatever path it is given, and never replaces one. So the file
 * is made in the root under a name nobody knew before, and linked from there; neither of the two counts names.
 */
function writeFile(path: string, descriptor: number, mode: number): readonly string[] {
  const name = `.sallyport-${randomBytes(8).toString('hex')}`;
  const staged = `/${name}`;
  return [
    `write ${sandboxed(descriptor)} ${name}`,
    ...setInode(staged, 0o100000 | (mode & 0o777), GUEST_UID),
    `ln ${staged} ${path}`,
    `unlink ${staged}`,
  ];
}

function setInode(path: string, mode: number, uid: number): readonly string[] {
  return [
    `set_inode_field ${path} mode 0${mode.toString(8)}`,
    `set_inode_field ${path} uid ${uid}`,
    `set_inode_field ${path} gid ${uid}`,
  ];
}

/**
 * The one thing that decides whether it was written: debugfs reports success whatever happened. A disk that fails it is
 * taken for hostile as a whole, since the path was in order before.
 */
async function readBack(
  { disk }: WorkingCopy,
  places: readonly DiskPlace[],
  files: readonly PlacedFile[],
  made: ReadonlySet<string>,
): Promise<void> {
  const lookup = await lookUp(disk, pathsOf(places));
  for (const [index, place] of places.entries()) {
    const inode = find(lookup, place);
    const { content = '', mode = 0 } = files[index] ?? {};
    const asWritten =
      inode?.kind === 'file' &&
      inode.plain &&
      inode.links === 1 &&
      inode.size === Buffer.byteLength(content) &&
      isOwned(inode, mode & 0o777, GUEST_UID);
    if (!asWritten) throw unsafeDisk(`does not read back ${place.shown} as it was written`);
    for (const folder of place.folders.filter(({ path }) => made.has(path))) {
      const there = lookup.inodes.get(folder.path);
      if (!there || !isOwned(there, folder.mode, folder.uid)) {
        throw unsafeDisk(`does not read back ${folder.path} as it was made`);
      }
    }
  }
  const sizes = files.map(({ content }, index) => ({
    path: places[index]?.path ?? '',
    size: Buffer.byteLength(content),
  }));
  const contents = await readFiles(disk, sizes);
  for (const [index, { path, content }] of files.entries()) {
    if (!contents[index]?.equals(Buffer.from(content)))
      throw unsafeDisk(`does not read back ${path} as it was written`);
  }
}

function isOwned(inode: Inode, mode: number, owner: number): boolean {
  return inode.mode === mode && inode.uid === owner && inode.gid === owner;
}
