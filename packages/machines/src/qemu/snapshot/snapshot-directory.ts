import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';

import { hasCode } from '../../host/safe-directory.ts';
import { openManifest, sealManifest } from './manifest.ts';
import type { SnapshotManifest } from './manifest.ts';

const STATE = 'state';
export const SNAPSHOT_MANIFEST = 'manifest.json';
const TAKEN = 'manifest.taken';

/** The one snapshot that a machine can have. It is there when its manifest is. */
export interface SnapshotDirectory {
  exists(): Promise<boolean>;
  /** Begins a new one, in place of any other. The caller closes the file. */
  begin(): Promise<FileHandle>;
  /** Makes it last: everything to the disk, and its manifest at the end. */
  commit(manifest: SnapshotManifest): Promise<void>;
  /**
   * Takes it, for good: it holds an identity, so nobody finds it a second time, whatever comes of the first. The caller
   * closes the file, which is gone then.
   */
  take(): Promise<TakenSnapshot>;
  /** Opens it and leaves it for the next one: for a machine that was nobody's. The caller closes the file. */
  borrow(): Promise<TakenSnapshot | undefined>;
  remove(): Promise<void>;
}

export interface TakenSnapshot {
  readonly manifest: SnapshotManifest;
  readonly state: FileHandle;
}

/** `key` seals the manifest: nothing but what this server saved is ever loaded. */
export function openSnapshotDirectory(
  directory: string,
  machineId: string,
  key: () => Promise<Secret>,
): SnapshotDirectory {
  const path = (name: string): string => join(directory, name);

  async function remove(): Promise<void> {
    // First: half a removal must not leave what could be woken.
    await rm(path(SNAPSHOT_MANIFEST), { force: true });
    await rm(directory, { recursive: true, force: true });
  }

  return {
    exists: async () => (await readManifest(path(SNAPSHOT_MANIFEST), key)) !== undefined,
    begin: async () => {
      await remove();
      await mkdir(directory, { mode: 0o700 });
      return open(path(STATE), 'wx', 0o600);
    },
    commit: async (manifest) => {
      const temporary = path(`${SNAPSHOT_MANIFEST}.tmp`);
      await writeFile(temporary, sealManifest(manifest, await key()), { mode: 0o600 });
      for (const file of [path(STATE), temporary]) await flush(file);
      await rename(temporary, path(SNAPSHOT_MANIFEST));
      await flush(directory);
    },
    take: async () => {
      const manifest = await readManifest(path(SNAPSHOT_MANIFEST), key);
      // Only one can do this.
      const isFirst = await rename(path(SNAPSHOT_MANIFEST), path(TAKEN)).then(
        () => true,
        () => false,
      );
      const state = manifest && isFirst && (await open(path(STATE), 'r').catch(() => undefined));
      if (isFirst) await remove();
      if (manifest && state) return { manifest, state };
      throw new SallyportError('MACHINE_FAILED', `Machine ${machineId} has no snapshot that could be woken.`, {
        hint: 'Start it from its disk.',
      });
    },
    borrow: async () => {
      const manifest = await readManifest(path(SNAPSHOT_MANIFEST), key);
      const state = manifest && (await open(path(STATE), 'r').catch(() => undefined));
      return manifest && state && { manifest, state };
    },
    remove,
  };
}

async function readManifest(path: string, key: () => Promise<Secret>): Promise<SnapshotManifest | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  return text === undefined ? undefined : openManifest(text, await key());
}

/** rename(2) alone says nothing about what a power cut leaves; fsync(2) of file and directory does. */
export async function flush(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
