import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Secret } from '@sallyport/core';

import { namesIn } from '../../host/names-in.ts';
import { jail } from '../boot-sequence.ts';
import { openManifest, sealManifest } from './manifest.ts';
import type { SnapshotManifest } from './manifest.ts';

/**
 * The snapshots of one machine, each in a directory `gen-N`. A memory file is mapped for as long as the machine that was
 * woken from it runs, so a generation is never written a second time; and it is never woken a second time, because
 * both would go on with the same random numbers and the same refresh token.
 */
export interface Generations {
  /** The number after the highest that exists in any state. */
  next(): Promise<number>;
  /** Makes the two files a new generation is written into; what an earlier attempt left is removed. */
  begin(generation: number): Promise<void>;
  /** Makes it last: everything to the disk, the manifest, then the name. */
  commit(manifest: SnapshotManifest, key: Secret): Promise<void>;
  /** Removes one that was begun, finished or not: its machine goes on without it. */
  abandon(generation: number): Promise<void>;
  /** `undefined`: absent, woken before, or not ours. */
  read(generation: number, key: Secret): Promise<SnapshotManifest | undefined>;
  /** After this no one can read it again. Rejects for the second caller. */
  consume(generation: number): Promise<void>;
  /** Removes all but this one; without a number, all. Only while no machine runs from them. */
  prune(keep?: number): Promise<void>;
}

/** The user and group that a machine has for itself. */
export interface MachineOwner {
  readonly uid: number;
  readonly gid: number;
}

/** Where the two files of a generation are, seen from the host or from inside the jail. */
export function snapshotPaths(folder: string, generation: number, finished: boolean) {
  const directory = `${folder}/gen-${generation}${finished ? '' : '.tmp'}`;
  return { directory, state: `${directory}/state`, memory: `${directory}/mem` };
}

/** The same, as requests name them. */
export const jailedPaths = (generation: number, finished: boolean) =>
  snapshotPaths(jail.snapshots, generation, finished);

export const MANIFEST = 'manifest';
const CONSUMED = 'manifest.consumed';

/**
 * The directories stay the caller's: a machine's user that could write to them could plant a link for this process to
 * follow. It owns the two files alone, which Firecracker overwrites where they are.
 */
export function openGenerations(directory: string, owner?: MachineOwner): Generations {
  const folder = (generation: number): string => snapshotPaths(directory, generation, true).directory;
  const unfinished = (generation: number): string => snapshotPaths(directory, generation, false).directory;

  return {
    next: async () => {
      const numbers = (await namesIn(directory)).map((name) => Number(/^gen-(\d+)/.exec(name)?.[1] ?? 0));
      return Math.max(0, ...numbers) + 1;
    },
    begin: async (generation) => {
      await rm(unfinished(generation), { recursive: true, force: true });
      await mkdir(unfinished(generation), { recursive: true, mode: 0o711 });
      const { state, memory } = snapshotPaths(directory, generation, false);
      for (const path of [state, memory]) {
        await writeFile(path, '', { mode: 0o600, flag: 'wx' });
        if (owner) {
          await chown(path, owner.uid, owner.gid);
        }
      }
    },
    commit: async (manifest, key) => {
      const temporary = unfinished(manifest.generation);
      await writeFile(join(temporary, MANIFEST), sealManifest(manifest, key), { mode: 0o600 });
      for (const name of ['state', 'mem', MANIFEST]) {
        await flushFile(join(temporary, name));
      }
      await flushFile(temporary);
      await rename(temporary, folder(manifest.generation));
      await flushFile(directory);
    },
    abandon: async (generation) => {
      // The manifest's name first: half a removal must not leave what could be woken.
      for (const path of [folder(generation), unfinished(generation)]) {
        await rm(join(path, MANIFEST), { force: true });
        await rm(path, { recursive: true, force: true });
      }
    },
    read: async (generation, key) => {
      const sealed = await readFile(join(folder(generation), MANIFEST), 'utf8').catch(() => undefined);
      const manifest = sealed === undefined ? undefined : openManifest(sealed, key);
      return manifest?.generation === generation ? manifest : undefined;
    },
    consume: async (generation) => {
      try {
        await rename(join(folder(generation), MANIFEST), join(folder(generation), CONSUMED));
      } catch (cause) {
        throw new SallyportError('MACHINE_FAILED', `Snapshot ${generation} was woken before.`, {
          hint: 'Start the machine from its disk.',
          cause,
        });
      }
      await flushFile(folder(generation));
    },
    prune: async (keep) => {
      for (const name of await namesIn(directory)) {
        if (/^gen-\d+(\.tmp)?$/.test(name) && name !== `gen-${keep}`) {
          await rm(join(directory, name), { recursive: true, force: true });
        }
      }
    },
  };
}

/** rename(2) alone says nothing about what a power cut leaves; fsync(2) of file and directory does. */
export async function flushFile(path: string): Promise<void> {
  await using handle = await open(path, 'r');
  await handle.sync();
}
