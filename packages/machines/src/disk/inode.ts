/** What the first 128 bytes of an ext4 inode say, as far as it is asked here. */
export interface Inode {
  readonly kind: 'file' | 'folder' | 'link' | 'whiteout' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  /** It is kept as ordinary files and directories are: not encrypted, compressed, inside its inode or in a value of another. */
  readonly plain: boolean;
}

const kinds: Readonly<Record<number, Inode['kind']>> = { 0o04: 'folder', 0o10: 'file', 0o12: 'link' };

const CHARACTER_DEVICE = 0o02;

/** `EXT4_EXTENTS_FL`, and for directories `EXT4_INDEX_FL`. */
const PLAIN_FLAGS = 0x8_0000 | 0x1000;

export const INODE_BYTES = 128;

export function parseInode(bytes: Buffer): Inode {
  const mode = bytes.readUInt16LE(0);
  const type = mode >> 12;
  // overlayfs marks what was deleted by a device with the number 0:0.
  const isWhiteout = type === CHARACTER_DEVICE && bytes.readUInt32LE(40) === 0 && bytes.readUInt32LE(44) === 0;
  return {
    kind: isWhiteout ? 'whiteout' : (kinds[type] ?? 'other'),
    mode: mode & 0o7777,
    uid: bytes.readUInt16LE(2) + bytes.readUInt16LE(120) * 2 ** 16,
    gid: bytes.readUInt16LE(24) + bytes.readUInt16LE(122) * 2 ** 16,
    size: bytes.readUInt32LE(4) + bytes.readUInt32LE(108) * 2 ** 32,
    links: bytes.readUInt16LE(26),
    plain: (bytes.readUInt32LE(32) & ~PLAIN_FLAGS) === 0,
  };
}
