import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { createProcessDriver } from '@sallyport/machines';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ownDirectory } from './own-directory.ts';

let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'sallyport-own-'));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

const failing = (code: string) => () => Promise.reject(Object.assign(new Error(`${code}: no`), { code }));

describe('a file system that refuses the data directory', () => {
  it.each([
    ['ENOENT', /cannot hold directories of ours/],
    ['EROFS', /mounted read-only/],
    ['ENOSPC', /its disk is full/],
    ['EACCES', /may not write there/],
    ['EIO', /EIO: no/],
  ])('with %s is asked once, and the error names the directory and what to do', async (code, problem) => {
    const asked: string[] = [];
    const make = failing(code);
    const wanted = join(parent, 'a', 'b');
    const maker = {
      mkdir: (path: string) => {
        asked.push(path);
        return make();
      },
      chmod: failing('EPERM'),
    };
    await expect(ownDirectory(wanted, maker)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(problem),
      hint: expect.stringContaining('SALLYPORT_DATA_DIR'),
      details: { directory: wanted },
    });
    expect(asked).toEqual([join(parent, 'a')]);
  });

  it('when its mode has to change says so', async () => {
    const open = join(parent, 'open');
    await mkdir(open, { mode: 0o755 });
    await expect(ownDirectory(open, { mkdir: failing('EEXIST'), chmod: failing('EROFS') })).rejects.toMatchObject({
      message: `The data directory ${open} cannot be used: its file system is mounted read-only.`,
    });
  });
});

describe('a directory that holds one directory alone', () => {
  it.each(['machines', 'qemu'])('is ours with an empty one named %s, which `sallyport doctor` leaves', async (name) => {
    const directory = join(parent, 'looked-at');
    await mkdir(join(directory, name), { recursive: true });
    await ownDirectory(directory);
    expect(await readdir(directory)).toEqual(['lock', name]);
  });

  it.each([
    ['machines', 'lathe.txt'],
    ['Documents', 'nothing'],
  ])('is not ours with one named %s that has %s in it', async (name, file) => {
    const directory = join(parent, 'foreign');
    await mkdir(join(directory, name), { recursive: true });
    if (file !== 'nothing') await writeFile(join(directory, name, file), '');
    await expect(ownDirectory(directory)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await readdir(directory)).toEqual([name]);
  });

  it('is ours after the doctor has opened the process driver', async () => {
    const directory = join(parent, 'looked-at');
    await createProcessDriver({ dataDirectory: directory, clock: systemClock, isolation: 'none' });
    await ownDirectory(directory);
  });
});
