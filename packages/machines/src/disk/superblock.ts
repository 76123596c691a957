import { unsafeDisk } from './unsafe-disk.ts';

/** Where ext4 describes itself, in every copy of it on a disk. */
export const SUPERBLOCK = { offset: 1024, size: 1024 } as const;

/**
 * All that a machine's disk is formatted with. Named one by one, so that every host formats the same, and a disk with
 * anything else in it is known to be deliberate.
 */
export const FEATURES =
  'has_journal,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super2,large_file,huge_file,dir_nlink,extra_isize,metadata_csum';

/** The same in the three words of the superblock, with `needs_recovery`, which the kernel sets while it is in use. */
const allowed = { compatible: 0x22c, incompatible: 0x2c6, readOnlyCompatible: 0x46a } as const;

const NEEDS_RECOVERY = 0x4;
const CLEAN = 0x1;

export const BLOCK_SIZE = 4096;
const INODE_SIZE = 256;

export interface DiskState {
  /** Nothing has to be put in order before it is read. */
  readonly clean: boolean;
}

/**
 * Refuses a disk that is not the ext4 it was made as: encryption, data in inodes, a journal elsewhere, locks that make
 * tools wait, and everything that is yet to be invented.
 */
export function readSuperblock(bytes: Buffer, fileSize: number): DiskState {
  const word = (at: number): number => bytes.readUInt32LE(at);
  if (bytes.length !== SUPERBLOCK.size || bytes.readUInt16LE(0x38) !== 0xef53) throw unsafeDisk('holds no ext4');
  const foreign =
    (word(0x5c) & ~allowed.compatible) |
    (word(0x60) & ~allowed.incompatible) |
    (word(0x64) & ~allowed.readOnlyCompatible);
  if (foreign !== 0) throw unsafeDisk('uses features of ext4 that it was not made with');
  if (word(0x18) !== 2 || bytes.readUInt16LE(0x58) !== INODE_SIZE) {
    throw unsafeDisk('has other block or inode sizes than it was made with');
  }
  if ((word(0x150) * 2 ** 32 + word(0x04)) * BLOCK_SIZE !== fileSize)
    throw unsafeDisk('has another size than its file');
  return { clean: (word(0x60) & NEEDS_RECOVERY) === 0 && bytes.readUInt16LE(0x3a) === CLEAN && word(0xe8) === 0 };
}
