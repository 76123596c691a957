import { link, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { hashImage } from './hash.ts';
import { INITRD_FILE, KERNEL_FILE } from './image.ts';
import type { Image, ImageKind } from './image.ts';
import { pruneImages } from './prune.ts';
import { createImageStore } from './store.ts';

const { signal } = new AbortController();

describe('pruning images', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-images-'));
  });

  afterEach(() => rm(directory, { recursive: true }));

  function build(kind: ImageKind, day: number, names: readonly string[] = ['root.ext4']): Promise<Image> {
    return createImageStore({ directory }).ensure(
      {
        kind,
        inputs: `${kind} ${day}`,
        run: async ({ scratch }) => {
          const files = Object.fromEntries(names.map((name) => [name, join(scratch, name)]));
          for (const path of Object.values(files)) await writeFile(path, `${kind} ${day}`);
          return { files, programs: {}, packages: [] };
        },
      },
      { signal, now: new Date(Date.UTC(2026, 0, day)), onProgress: () => {} },
    );
  }

  it('keeps the newest of each kind, and the newest kernel of each origin', async () => {
    const ours = await build('kernel', 1, [KERNEL_FILE]);
    const debian = await build('kernel', 2, [KERNEL_FILE, INITRD_FILE]);
    const older = [await build('cli', 3), await build('browser', 4)];
    const newest = [await build('cli', 5), await build('browser', 6)];
    const { removed } = await pruneImages({ directory, listUses: async () => [] });
    expect(removed.map(({ name }) => name).toSorted()).toEqual(older.map(({ name }) => name).toSorted());
    const left = [ours, debian, ...newest].map(({ name }) => name);
    expect((await readdir(directory)).toSorted()).toEqual(left.toSorted());
  });

  it('knows an image by the hash that a snapshot has of it', async () => {
    const kernel = await build('kernel', 1, [KERNEL_FILE]);
    await build('kernel', 2, [KERNEL_FILE]);
    const use = { image: hashImage(kernel), by: 'the snapshot of machine m-one' };
    const { removed, kept } = await pruneImages({ directory, listUses: async () => [use] });
    expect(removed).toEqual([]);
    expect(kept).toContainEqual({ image: kernel.name, by: use.by });
  });

  it('puts an image back that a machine was made with in the meantime', async () => {
    const wanted = await build('cli', 1);
    await build('cli', 2);
    let read = 0;
    const listUses = async () => (++read === 1 ? [] : [{ image: wanted.name, by: 'machine m-late' }]);
    const { removed, kept } = await pruneImages({ directory, listUses });
    expect(removed).toEqual([]);
    expect(kept).toContainEqual({ image: wanted.name, by: 'machine m-late' });
    await createImageStore({ directory }).open(wanted.name, { signal });
    expect(await readdir(directory)).toHaveLength(2);
  });

  it('puts it back as well where the second look fails', async () => {
    const image = await build('cli', 1);
    await build('cli', 2);
    let read = 0;
    const listUses = async () => {
      if (++read > 1) throw new Error('a record is damaged');
      return [];
    };
    await expect(pruneImages({ directory, listUses })).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    await createImageStore({ directory }).open(image.name, { signal });
  });

  it('does not count a file that a jail still has', async () => {
    const image = await build('cli', 1);
    await build('cli', 2);
    const [alone] = (await pruneImages({ directory, listUses: async () => [], dryRun: true })).removed;
    const jailed = join(directory, 'jailed.unfinished');
    await link(join(image.directory, 'root.ext4'), jailed);
    const [shared] = (await pruneImages({ directory, listUses: async () => [] })).removed;
    expect(shared?.bytes).toBeLessThan(alone?.bytes ?? 0);
  });
});
