import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
