import { unsafeDisk } from './unsafe-disk.ts';

/** A name in a directory, as ext4 keeps it. */
export interface DirectoryEntry {
  /** As bytes, one character each: a guest may use any but `/` and zero. */
  readonly name: string;
  readonly inode: number;
  readonly isDirectory: boolean;
}

/** `EXT4_FT_DIR` */
const DIRECTORY = 2;

/** Length of an entry without its name. */
const HEAD = 8;

/**
 * Parses the blocks of a directory (ext4(5), "Directory Entries"). Entries follow each other by their lengths. Those
 * that are not used, the nodes of a hash tree and checksums have the inode 0. Leaves out `.` and `..`.
 */
export function parseDirectory(bytes: Buffer): readonly DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = at + HEAD <= bytes.length ? bytes.readUInt16LE(at + 4) : 0;
    const nameLength = length > 0 ? bytes.readUInt8(at + 6) : 0;
    if (length < HEAD + nameLength || at + length > bytes.length) throw unsafeDisk('has a damaged directory');
    const inode = bytes.readUInt32LE(at);
    const name = bytes.toString('latin1', at + HEAD, at + HEAD + nameLength);
    const isDirectory = bytes.readUInt8(at + 7) === DIRECTORY;
    if (inode !== 0 && name !== '.' && name !== '..') entries.push({ name, inode, isDirectory });
    at += length;
  }
  return entries;
}
