import type { Lookup } from './debugfs.ts';
import type { Inode } from './inode.ts';
import type { DiskPlace } from './places.ts';
import { unsafePath } from './unsafe-disk.ts';

/** All that has to be looked up for some places: each directory on the way to them, once, and the files. */
export function pathsOf(places: readonly DiskPlace[]): readonly string[] {
  return [...new Set(places.flatMap(({ folders, path }) => [...folders.map((folder) => folder.path), path]))];
}

/** The file at a place, once every directory on the way there has been found to be one. */
export function find({ inodes, problems }: Lookup, { folders, path, shown }: DiskPlace): Inode | undefined {
  for (const folder of folders) {
    const problem = problems.get(folder.path);
    if (problem !== undefined) throw unsafePath(shown, `lies in ${folder.path}, which cannot be read: ${problem}`);
    const inode = inodes.get(folder.path);
    if (!inode || inode.kind === 'whiteout') return undefined;
    if (inode.kind !== 'folder' || !inode.plain)
      throw unsafePath(shown, `lies in ${folder.path}, which is not a directory`);
  }
  const problem = problems.get(path);
  if (problem !== undefined) throw unsafePath(shown, `cannot be read: ${problem}`);
  return inodes.get(path);
}
