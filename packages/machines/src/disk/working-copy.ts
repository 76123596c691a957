import { chown, chmod, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { copySparse } from './copy-sparse.ts';
import type { OpenDisk } from './debugfs.ts';
import { runOnDisk, sandboxed } from './sandbox.ts';
import { readSuperblock, SUPERBLOCK } from './superblock.ts';
import type { DiskState } from './superblock.ts';
import { unsafeDisk } from './unsafe-disk.ts';

/** The disk file of a stopped machine. */
export interface DiskFile extends AsyncDisposable {
  readonly disk: OpenDisk;
  readonly state: DiskState;
}

export async function openDiskFile(path: string, flags: number = constants.O_RDONLY): Promise<DiskFile> {
  const file = await open(path, flags | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw new SallyportError('MACHINE_FAILED', `The machine's disk at ${path} cannot be opened.`, { cause });
  });
  try {
    const { uid, size } = await requireOrdinary(file);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SUPERBLOCK.size), 0, SUPERBLOCK.size, SUPERBLOCK.offset);
    const state = readSuperblock(buffer.subarray(0, bytesRead), size);
    const disk = { descriptor: file.fd, size, uid: process.geteuid?.() === 0 ? uid : undefined };
    return { disk, state, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function requireOrdinary(file: FileHandle): Promise<{ readonly uid: number; readonly size: number }> {
  const facts = await file.stat();
  if (!facts.isFile()) throw unsafeDisk('is not an ordinary file');
  if (facts.uid === 0) {
    throw new SallyportError(
      'CONFIG_HOST_UNSUITABLE',
      "The machine's disk belongs to root, so only root could read it.",
      {
        hint: 'Give each disk a different user when it is made: `createDisk(path, { owner })`.',
      },
    );
  }
  return { uid: facts.uid, size: facts.size };
}

/**
 * Checks the disk, and fixes what a sudden end leaves behind: the journal is played back. `thorough` looks at all of
 * it, and gives the room of what was deleted back to this host, so that nothing of it can be read any more.
 */
export async function checkDisk(disk: OpenDisk, { thorough }: { readonly thorough: boolean }): Promise<void> {
  const options = thorough ? ['-fp', '-E', 'discard'] : ['-p'];
  // What was fixed is not cleared in the same run.
  for (const attempt of [1, 2]) {
    const { exitCode, stdout, stderr } = await runOnDisk({
      program: 'e2fsck',
      args: [...options, sandboxed(0)],
      files: [disk.descriptor],
      uid: disk.uid,
      largestFile: disk.size,
    });
    if (exitCode > 1) {
      const said = `${stdout.toString('latin1')}${stderr}`.replaceAll(sandboxed(0), 'the disk').slice(-500);
      throw unsafeDisk(`cannot be fixed (e2fsck ended with ${exitCode}: ${said.trim()})`);
    }
    if (exitCode === 0 || (attempt === 1 && !thorough)) return;
  }
}

/** A copy of the disk that is checked, in a new directory beside it. */
export interface WorkingCopy extends DiskFile {
  /** Lays contents down for debugfs to read. */
  stage(contents: readonly string[]): Promise<{ readonly descriptors: readonly number[] } & AsyncDisposable>;
  /** Puts the copy in the place of the disk. */
  replace(): Promise<void>;
}

export async function copyDisk(path: string): Promise<WorkingCopy> {
  const folder = `${path}.work`;
  const copy = join(folder, 'disk.ext4');
  const dispose = () => rm(folder, { recursive: true, force: true });
  await dispose();
  await mkdir(folder, { mode: 0o700 });
  let opened: DiskFile | undefined;
  try {
    await using original = await openDiskFile(path);
    const { uid } = original.disk;
    await copySparse(original.disk.descriptor, copy);
    if (uid !== undefined) await chown(copy, uid, uid);
    await chmod(copy, 0o600);
    opened = await openDiskFile(copy, constants.O_RDWR);
    await checkDisk(opened.disk, { thorough: false });
  } catch (error) {
    await opened?.[Symbol.asyncDispose]();
    await dispose();
    throw error;
  }
  const file = opened;
  const { uid } = file.disk;
  return {
    disk: file.disk,
    state: file.state,
    stage: (contents) => stageFiles(folder, contents, uid),
    replace: async () => {
      await sync(copy);
      await rename(copy, path);
      await sync(dirname(path));
    },
    [Symbol.asyncDispose]: async () => {
      await file[Symbol.asyncDispose]();
      await dispose();
    },
  };
}

async function stageFiles(folder: string, contents: readonly string[], uid: number | undefined) {
  const handles: FileHandle[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(handles.map((handle) => handle.close()));
  };
  try {
    for (const [index, content] of contents.entries()) {
      const path = join(folder, String(index));
      await writeFile(path, content, { flag: 'wx', mode: 0o600 });
      if (uid !== undefined) await chown(path, uid, uid);
      handles.push(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { descriptors: handles.map((handle) => handle.fd), [Symbol.asyncDispose]: close };
}

async function sync(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY);
  await handle.sync();
}
