import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { checkFiles, writeFiles } from './recording-files.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-files-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('refuses a directory that is missing, one that is a file, and a recording that is there already', async () => {
  const file = join(directory, 'a.bin');
  await checkFiles([file]);
  expect(await readdir(directory)).toEqual([]);
  await expect(checkFiles([join(directory, 'none', 'a.bin')])).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await writeFile(file, 'earlier');
  await expect(checkFiles([join(directory, 'a.json'), file])).rejects.toThrow('a.bin exists already');
  await expect(checkFiles([join(file, 'a.bin')])).rejects.toThrow('a.bin is a file');
  await expect(checkFiles([join(file, 'deeper', 'a.bin')])).rejects.toThrow('does not exist');
  await symlink('nowhere', join(directory, 'b.bin'));
  await expect(checkFiles([join(directory, 'b.bin')])).rejects.toThrow('b.bin exists already');
});

it('refuses a directory that cannot be written to', async () => {
  // Not even root can make a file there.
  await expect(checkFiles(['/dev/fd/sallyport.bin'])).rejects.toThrow('cannot be written to');
});

it('replaces no file that came to be in the meantime', async () => {
  const file = join(directory, 'a.bin');
  await writeFile(file, 'earlier');
  await expect(writeFiles(new Map([[file, 'later']]))).rejects.toThrow('EEXIST');
  expect(await readFile(file, 'utf8')).toBe('earlier');
});
