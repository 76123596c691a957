import { open, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { orAborted } from '@sallyport/core/driver';

import type { Owner } from '../host/safe-directory.ts';
import { runOnOwnFile } from './format.ts';
import { BLOCK_SIZE, FEATURES } from './superblock.ts';

const LEAST_DISK_MB = 64;
const MOST_DISK_MB = 64 * 1024;

export interface CreateDiskOptions {
  readonly sizeMb: number;
  /** The user of this host that the machine runs as; absent: the server's own. */
  readonly owner?: Owner;
  readonly signal: AbortSignal;
}

/**
 * Makes a machine's own disk: an empty ext4 of which only what is written takes room. What the machine changes of its
 * image comes to lie in `/upper` of it.
 */
export async function createDisk(path: string, { sizeMb, owner, signal }: CreateDiskOptions): Promise<void> {
  if (!Number.isInteger(sizeMb) || sizeMb < LEAST_DISK_MB || sizeMb > MOST_DISK_MB) {
    throw new SallyportError('CONFIG_INVALID', `A machine's disk cannot have ${sizeMb} MB.`, {
      hint: `Choose a whole number from ${LEAST_DISK_MB} to ${MOST_DISK_MB}.`,
    });
  }
  if (await stat(path).catch(() => undefined)) {
    throw new SallyportError('MACHINE_FAILED', `There is a disk at ${path} already, and it is left as it is.`);
  }
  const pieces = await orAborted(signal, blankDisk(sizeMb));
  const unfinished = `${path}.new`;
  await rm(unfinished, { force: true });
  try {
    await using file = await open(unfinished, 'wx', 0o600);
    await file.truncate(sizeMb * MB);
    for (const { at, bytes } of pieces) await file.write(bytes, 0, bytes.length, at);
    if (owner !== undefined) await file.chown(owner, owner);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

const MB = 1024 * 1024;

/** A part of a new disk that is not zero. Together they have some 50 KB, whatever the size of the disk. */
interface Piece {
  readonly at: number;
  readonly bytes: Buffer;
}

const blankDisks = new Map<number, Promise<readonly Piece[]>>();

/** Formatted once for each size: starting mke2fs takes longer than writing what it writes. */
function blankDisk(sizeMb: number): Promise<readonly Piece[]> {
  const known = blankDisks.get(sizeMb);
  if (known) return known;
  const made = format(sizeMb);
  blankDisks.set(sizeMb, made);
  made.catch(() => blankDisks.delete(sizeMb));
  return made;
}

/**
 * Options of mke2fs. Everything but the room for files comes first, and there are no spare superblocks further back: so
 * what is not zero lies in the first part, a sixty-fourth for inodes and the journal. A disk whose superblock is broken
 * is not fixed, it is replaced.
 */
export const diskFormat: readonly string[] = [
  `-q -F -t ext4 -O none,${FEATURES} -b ${BLOCK_SIZE} -I 256 -i 16384 -m 0 -J size=8`.split(' '),
  ['-E', 'packed_meta_blocks=1,num_backup_sb=0,lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0'],
].flat();

async function format(sizeMb: number): Promise<readonly Piece[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-disk-'));
  try {
    const path = join(folder, 'disk.ext4');
    await using file = await open(path, 'wx+', 0o600);
    await file.truncate(sizeMb * MB);
    await runOnOwnFile('mke2fs', [...diskFormat, path]);
    return await nonZeroPieces(file, (sizeMb * MB) / 32 + 32 * MB);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Holes are read as zeros; Node cannot ask where they are. */
async function nonZeroPieces(file: FileHandle, end: number): Promise<readonly Piece[]> {
  const pieces: Piece[] = [];
  const buffer = Buffer.alloc(4 * MB);
  const zeros = Buffer.alloc(4 * MB);
  for (let at = 0; at < end;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) break;
    const same = (from: number, to: number): boolean => buffer.compare(zeros, from, to, from, to) === 0;
    for (let from = 0; from < bytesRead && !same(from, bytesRead); from += BLOCK_SIZE) {
      const to = Math.min(from + BLOCK_SIZE, bytesRead);
      if (!same(from, to)) pieces.push({ at: at + from, bytes: Buffer.from(buffer.subarray(from, to)) });
    }
    at += bytesRead;
  }
  return pieces;
}
