import { access, mkdir, mkdtemp, readdir, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { createImageStore } from './store.ts';
import { openBuildSite, removeDeadBuilds } from './unfinished.ts';

const { signal } = new AbortController();
let root: string;
let directory: string;
let told: string[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sallyport-builds-'));
  directory = join(root, 'images');
  told = [];
});

afterEach(() => rm(root, { recursive: true }));

const clear = (): Promise<void> => removeDeadBuilds(directory, (message) => void told.push(message));

/** As a build leaves its site whose process was killed and whose process ID has been used again. */
async function killedSite(): Promise<{ readonly site: string; readonly scratch: string }> {
  const { scratch, image } = await openBuildSite(directory);
  await writeFile(join(scratch, 'half'), 'a gigabyte');
  await mkdir(image);
  const [pid, , ...rest] = basename(dirname(image)).split('-');
  const site = join(directory, [pid, '0'.repeat(16), ...rest].join('-'));
  await rename(dirname(image), site);
  return { site, scratch };
}

it('removes the directories of a killed build, and none of a build that runs', async () => {
  await using running = await openBuildSite(directory);
  const killed = await killedSite();
  expect((await stat(killed.scratch)).mode & 0o777).toBe(0o711);
  await clear();
  await expect(access(killed.scratch)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readdir(directory)).toEqual([basename(dirname(running.image))]);
  await access(running.scratch);
  expect(told).toEqual([]);
});

it('removes them when the next image is built, also if that is there already', async () => {
  const store = createImageStore({ directory });
  const build = {
    kind: 'cli',
    inputs: 'one',
    run: async ({ scratch }: { readonly scratch: string }) => {
      await writeFile(join(scratch, 'made'), 'content');
      return { files: { 'root.ext4': join(scratch, 'made') }, programs: {}, packages: [] };
    },
  } as const;
  for (const day of [1, 2]) {
    const { scratch } = await killedSite();
    // It is not listed as an image.
    expect(await store.list()).toHaveLength(day - 1);
    const image = await store.ensure(build, { signal, now: new Date(day), onProgress: () => {} });
    expect(await readdir(directory)).toEqual([image.name]);
    await expect(access(scratch)).rejects.toMatchObject({ code: 'ENOENT' });
  }
});

it('removes what an earlier version left, which names no process', async () => {
  await mkdir(join(directory, 'cli-0123456789abcdef.0123456789ab.unfinished'), { recursive: true });
  await clear();
  expect(await readdir(directory)).toEqual([]);
});

it('follows a link to nothing but a scratch directory', async () => {
  const { site, scratch } = await killedSite();
  const precious = join(root, 'precious');
  await mkdir(precious);
  await rm(join(site, 'scratch'));
  await symlink(precious, join(site, 'scratch'));
  expect(await readlink(join(site, 'scratch'))).toBe(precious);
  await clear();
  await access(precious);
  expect(await readdir(directory)).toEqual([]);
  await rm(scratch, { recursive: true });
});
