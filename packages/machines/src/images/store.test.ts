import { chmod, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { ImageBuild } from './build.ts';
import { checkDamagedImages } from './doctor.ts';
import { INITRD_FILE, KERNEL_FILE } from './image.ts';
import { createImageStore } from './store.ts';
import type { EnsureOptions } from './store.ts';

let directory: string;
let told: string[];
let builds: number;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-images-'));
  told = [];
  builds = 0;
});

afterEach(() => rm(directory, { recursive: true }));

const { signal } = new AbortController();

function options(day: number, refresh = false): EnsureOptions {
  return { signal, refresh, now: new Date(Date.UTC(2026, 0, day)), onProgress: (message) => told.push(message) };
}

function buildOf(inputs: string, version: string, content = `${inputs} ${version}`): ImageBuild {
  return {
    kind: 'cli',
    inputs,
    run: async ({ scratch }) => {
      builds += 1;
      const path = join(scratch, 'made');
      await writeFile(path, content);
      const packages = [{ name: 'bash', version, architecture: 'amd64' }];
      return { files: { 'root.ext4': path }, programs: { node: '24' }, packages };
    },
  };
}

describe('golden images', () => {
  it('are built once for the same inputs, and named by what is in them', async () => {
    const store = createImageStore({ directory });
    const image = await store.ensure(buildOf('one', '1'), options(1));
    expect(image.name).toMatch(/^cli-[0-9a-f]{16}$/);
    expect(image).toMatchObject({ kind: 'cli', inputs: 'one', builtAt: '2026-01-01T00:00:00.000Z' });
    expect((await stat(join(image.directory, 'root.ext4'))).mode & 0o777).toBe(0o444);
    expect(await store.ensure(buildOf('one', '1'), options(2))).toEqual(image);
    expect(builds).toBe(1);
    expect(told.at(-1)).toBe(`${image.name} is here already.`);
  });

  it('are another image when Debian has newer packages; the older one stays as it is', async () => {
    const store = createImageStore({ directory });
    const older = await store.ensure(buildOf('one', '1'), options(1));
    const newer = await store.ensure(buildOf('one', '2'), options(2, true));
    expect(newer.name).not.toBe(older.name);
    expect((await store.list()).map(({ name }) => name)).toEqual([newer.name, older.name]);
    expect((await store.open('cli', { signal })).name).toBe(newer.name);
    expect((await store.open(older.name, { signal })).name).toBe(older.name);
    await store.verify(older, { signal });
  });

  it('are never replaced: machines may run on them', async () => {
    const store = createImageStore({ directory });
    const image = await store.ensure(buildOf('one', '1', 'same'), options(1));
    expect(await store.ensure(buildOf('one', '1', 'same'), options(2, true))).toEqual(image);
    await store.verify(image, { signal });
    expect(await readdir(directory)).toEqual([image.name]);
  });

  it('have different names where two builds of the same inputs and packages differ in a byte', async () => {
    const store = createImageStore({ directory });
    const first = await store.ensure(buildOf('one', '1', 'first'), options(1));
    const second = await store.ensure(buildOf('one', '1', 'other'), options(2, true));
    expect(second.name).not.toBe(first.name);
    expect(second.files).not.toEqual(first.files);
    expect(await store.open('cli', { signal })).toEqual(second);
    expect(await store.open(first.name, { signal })).toEqual(first);
    // The newer one is the image of these inputs now.
    expect(await store.ensure(buildOf('one', '1'), options(3))).toEqual(second);
    expect(builds).toBe(2);
  });

  it('that an earlier version named by its inputs stay usable, under that name', async () => {
    const store = createImageStore({ directory });
    const image = await store.ensure(buildOf('one', '1'), options(1));
    const name = 'cli-0123456789abcdef';
    const earlier = { ...image, name, directory: join(directory, name) };
    await rename(image.directory, earlier.directory);
    const { directory: _, ...facts } = earlier;
    await chmod(join(earlier.directory, 'image.json'), 0o644);
    await writeFile(join(earlier.directory, 'image.json'), JSON.stringify(facts));
    expect(await store.open(name, { signal })).toEqual(earlier);
    expect(await store.ensure(buildOf('one', '1'), options(2))).toEqual(earlier);
    expect(builds).toBe(1);
  });

  it('are refused when a file is not what was built, or is gone', async () => {
    const image = await createImageStore({ directory }).ensure(buildOf('one', '1'), options(1));
    const file = join(image.directory, 'root.ext4');
    await chmod(file, 0o644);
    await writeFile(file, 'something else');
    const store = createImageStore({ directory });
    const damaged = { code: 'MACHINE_IMAGE_DAMAGED', message: `${file} is not what was built.` };
    await expect(store.open('cli', { signal })).rejects.toMatchObject(damaged);
    await rm(file);
    await expect(store.open('cli', { signal })).rejects.toMatchObject(damaged);
  });

  it('leave nothing behind when building fails', async () => {
    const store = createImageStore({ directory });
    let scratch = '';
    const failing: ImageBuild = {
      kind: 'cli',
      inputs: 'x',
      run: (context) => {
        scratch = context.scratch;
        return Promise.reject(new Error('no disk'));
      },
    };
    await expect(store.ensure(failing, options(1))).rejects.toThrow('no disk');
    await expect(stat(scratch)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await store.list()).toEqual([]);
  });

  it('that nobody has built are named, with the command that builds them', async () => {
    const store = createImageStore({ directory: join(directory, 'none') });
    await expect(store.open('browser', { signal })).rejects.toMatchObject({
      code: 'MACHINE_IMAGE_MISSING',
      hint: expect.stringContaining('sallyport images build'),
    });
  });

  it('lists the other images where the record of one cannot be read, and refuses that one by its name', async () => {
    const store = createImageStore({ directory });
    const damaged = await store.ensure(buildOf('one', '1'), options(1));
    const whole = await store.ensure(buildOf('two', '1'), options(2));
    expect(await store.listDamaged()).toEqual([]);
    const record = join(damaged.directory, 'image.json');
    await chmod(record, 0o644);
    const error = { code: 'MACHINE_IMAGE_DAMAGED', message: expect.stringContaining(record) };
    for (const text of ['', 'null', '{"spec":1,"kind":"cli"}']) {
      await writeFile(record, text);
      expect(await store.list()).toEqual([whole]);
      expect(await store.open('cli', { signal })).toEqual(whole);
      expect(await store.listDamaged()).toEqual([{ name: damaged.name, error: expect.objectContaining(error) }]);
      expect(await checkDamagedImages(store)).toEqual([
        { name: `image ${damaged.name}`, state: 'degraded', found: error.message, fix: expect.any(String) },
      ]);
      await expect(store.open(damaged.name, { signal })).rejects.toMatchObject(error);
    }
    await rm(record);
    expect(await store.list()).toEqual([whole]);
    await expect(store.open(damaged.name, { signal })).rejects.toMatchObject({ code: 'MACHINE_IMAGE_DAMAGED' });
  });

  it('opens the kernel of the variant that is asked for, and ours by default', async () => {
    const store = createImageStore({ directory });
    const source = await store.ensure(kernelOf('source', {}), options(1));
    await expect(store.open({ kind: 'kernel', variant: 'debian' }, { signal })).rejects.toMatchObject({
      code: 'MACHINE_IMAGE_MISSING',
      message: expect.stringContaining('There is no kernel of Debian'),
    });
    const debian = await store.ensure(kernelOf('debian', { [INITRD_FILE]: 'initrd' }), options(2));
    expect((await store.list())[0]).toEqual(debian);
    expect(await store.open({ kind: 'kernel', variant: 'debian' }, { signal })).toEqual(debian);
    expect(await store.open({ kind: 'kernel', variant: 'source' }, { signal })).toEqual(source);
    expect(await store.open('kernel', { signal })).toEqual(source);
    expect(await store.open(debian.name, { signal })).toEqual(debian);
    await rm(source.directory, { recursive: true });
    expect(await store.open('kernel', { signal })).toEqual(debian);
    await expect(store.open({ kind: 'kernel', variant: 'source' }, { signal })).rejects.toMatchObject({
      code: 'MACHINE_IMAGE_MISSING',
      hint: 'Build it: sallyport images build kernel --source',
    });
  });
});

function kernelOf(inputs: string, others: Readonly<Record<string, string>>): ImageBuild {
  return {
    kind: 'kernel',
    inputs,
    run: async ({ scratch }) => {
      const files: Record<string, string> = {};
      for (const [name, content] of Object.entries({ [KERNEL_FILE]: inputs, ...others })) {
        files[name] = join(scratch, name);
        await writeFile(files[name], content);
      }
      return { files, programs: {}, packages: [] };
    },
  };
}
