import { readSync } from 'node:fs';

import { changeDisk, locateInodes, lookUp, readBlocks } from './debugfs.ts';
import type { OpenDisk } from './debugfs.ts';
import { parseDirectory } from './directory-entries.ts';
import { INODE_BYTES, parseInode } from './inode.ts';
import type { Inode } from './inode.ts';
import { find, pathsOf } from './lookup.ts';
import type { DiskPlace } from './places.ts';
import { BLOCK_SIZE } from './superblock.ts';
import { unsafePath } from './unsafe-disk.ts';
import { checkDisk } from './working-copy.ts';
import type { WorkingCopy } from './working-copy.ts';

/** Files and directories of one home. A home with more is refused. */
const MOST_ENTRIES = 200_000;

/** Inodes in one run of debugfs, which prints about 100 bytes of each. */
const IN_ONE_RUN = 20_000;

/** Bytes of one directory: about 50,000 names of 80 characters. */
const LARGEST_DIRECTORY = 4 * 1024 * 1024;

/**
 * Deletes a provider's home from a copy of a disk. Answers whether there was one. debugfs cannot be told every name that
 * a guest may choose, so it is told inodes: it removes the name of the home and clears each inode below it, and e2fsck
 * gives back the room. A file that also has a name elsewhere on the disk stays there.
 */
export async function eraseHome(copy: WorkingCopy, home: DiskPlace): Promise<boolean> {
  const { disk } = copy;
  // Of a disk in order, each directory has one parent, so nothing outside the home is below it.
  await checkDisk(disk, { thorough: true });
  const inode = find(await lookUp(disk, pathsOf([home])), home);
  if (!inode) return false;
  const number = await findNumber(disk, home);
  const isTree = inode.kind === 'folder';
  const inside = isTree ? await listTree(disk, number, home.shown) : [];
  // `rm` also gives up a file's inode, and refuses directories.
  await changeDisk(disk, [`${isTree ? 'unlink' : 'rm'} ${home.path}`], []);
  for (const part of inParts([...inside, ...(isTree ? [number] : [])])) {
    await changeDisk(
      disk,
      part.map((each) => `clri <${each}>`),
      [],
    );
  }
  await checkDisk(disk, { thorough: true });
  if (find(await lookUp(disk, pathsOf([home])), home)) throw unsafePath(home.shown, 'could not be removed');
  return true;
}

/** The inode that the directory above names. */
async function findNumber(disk: OpenDisk, { folders, path, shown }: DiskPlace): Promise<number> {
  const parent = folders.at(-1)?.path ?? '';
  const inode = (await lookUp(disk, [parent])).inodes.get(parent);
  const [bytes = Buffer.alloc(0)] = await readBlocks(disk, [{ path: parent, size: inode?.size ?? 0 }]);
  const name = path.split('/').at(-1);
  const entry = parseDirectory(bytes).find((each) => each.name === name);
  if (!entry) throw unsafePath(shown, 'cannot be found');
  return entry.inode;
}

/** The inodes below a directory, without those that have names elsewhere. */
async function listTree(disk: OpenDisk, root: number, shown: string): Promise<readonly number[]> {
  const directories = new Set<number>([root]);
  /** How many names each of the others has in the tree. */
  const names = new Map<number, number>();
  for (let level = [root]; level.length > 0;) {
    const next: number[] = [];
    for (const entry of await readDirectories(disk, level, shown)) {
      if (entry.isDirectory) {
        if (!directories.has(entry.inode)) next.push(entry.inode);
        directories.add(entry.inode);
      } else names.set(entry.inode, (names.get(entry.inode) ?? 0) + 1);
    }
    if (directories.size + names.size > MOST_ENTRIES) throw unsafePath(shown, `has more than ${MOST_ENTRIES} files`);
    level = next;
  }
  const inodes = await lookUpNumbers(disk, [...names.keys()], shown);
  const others = [...names].flatMap(([number, count]) => ((inodes.get(number)?.links ?? 0) <= count ? [number] : []));
  directories.delete(root);
  return [...directories, ...others];
}

async function readDirectories(disk: OpenDisk, numbers: readonly number[], shown: string) {
  const inodes = await lookUpNumbers(disk, numbers, shown);
  const files = [...inodes].map(([number, { kind, plain, size }]) => {
    if (kind !== 'folder' || !plain || size > LARGEST_DIRECTORY) {
      throw unsafePath(shown, `has a directory that cannot be read (inode ${number})`);
    }
    return { path: `<${number}>`, size };
  });
  const entries = [];
  for (let rest = files; rest.length > 0;) {
    let bytes = 0;
    const count = rest.findIndex(({ size }) => (bytes += size) > LARGEST_DIRECTORY);
    const part = count < 0 ? rest : rest.slice(0, Math.max(1, count));
    rest = rest.slice(part.length);
    for (const read of await readBlocks(disk, part)) entries.push(...parseDirectory(read));
  }
  return entries;
}

async function lookUpNumbers(
  disk: OpenDisk,
  numbers: readonly number[],
  shown: string,
): Promise<ReadonlyMap<number, Inode>> {
  const found = new Map<number, Inode>();
  for (const part of inParts(numbers)) {
    for (const [index, { block, offset }] of (await locateInodes(disk, part)).entries()) {
      const bytes = Buffer.alloc(INODE_BYTES);
      const at = block * BLOCK_SIZE + offset;
      // A few bytes at a place inside the file, whatever the guest has written there.
      if (at + INODE_BYTES > disk.size || readSync(disk.descriptor, bytes, 0, INODE_BYTES, at) !== INODE_BYTES) {
        throw unsafePath(shown, 'has a file that cannot be read');
      }
      found.set(part[index] ?? 0, parseInode(bytes));
    }
  }
  return found;
}

function inParts(numbers: readonly number[]): readonly (readonly number[])[] {
  return Array.from({ length: Math.ceil(numbers.length / IN_ONE_RUN) }, (_part, index) =>
    numbers.slice(index * IN_ONE_RUN, (index + 1) * IN_ONE_RUN),
  );
}
