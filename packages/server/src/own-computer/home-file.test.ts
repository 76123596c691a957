import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { readHomeFile } from './home-file.ts';

let directory: string;
let home: string;
const path = '~/.acme/auth.json';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-own-'));
  home = join(directory, 'home');
  await mkdir(join(home, '.acme'), { recursive: true });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const inHome = (...parts: readonly string[]): string => join(home, ...parts);

it('reads a file of the home, without a byte order mark', async () => {
  await writeFile(inHome('.acme/auth.json'), '\u{feff}{"token":"t"}');
  expect(await readHomeFile(path, home)).toBe('{"token":"t"}');
});

it('finds nothing where the file, its directory or what a link names does not exist', async () => {
  expect(await readHomeFile(path, home)).toBeUndefined();
  expect(await readHomeFile('~/.other/auth.json', home)).toBeUndefined();
  await symlink('nothing', inHome('.acme/auth.json'));
  expect(await readHomeFile(path, home)).toBeUndefined();
});

it('follows a link that stays in the home', async () => {
  await mkdir(inHome('dotfiles'));
  await writeFile(inHome('dotfiles/auth.json'), 'text');
  await symlink('../dotfiles/auth.json', inHome('.acme/auth.json'));
  expect(await readHomeFile(path, home)).toBe('text');
});

it('follows no link out of the home, neither of the file nor of its directory', async () => {
  const outside = join(directory, 'home-of-another');
  await mkdir(outside);
  await writeFile(join(outside, 'auth.json'), 'secret');
  await symlink(join(outside, 'auth.json'), inHome('.acme/auth.json'));
  await symlink(outside, inHome('.linked'));
  for (const linked of [path, '~/.linked/auth.json']) {
    const error: unknown = await readHomeFile(linked, home).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'CREDENTIAL_MALFORMED', message: expect.stringContaining('is outside of') });
    expect(String(error)).not.toContain('secret');
  }
});

it('does not wait for the writer of a FIFO', async () => {
  execFileSync('mkfifo', [inHome('.acme/auth.json')]);
  await expect(readHomeFile(path, home)).rejects.toThrow('is not an ordinary file');
});

it.each<[string, string | Uint8Array, string]>([
  ['a file over the limit', 'x'.repeat(256 * 1024 + 1), 'is larger than 256 KiB'],
  ['bytes that are not text', Uint8Array.of(0xff, 0xfe), 'is not text in UTF-8'],
])('refuses %s', async (_what, content, message) => {
  await writeFile(inHome('.acme/auth.json'), content);
  await expect(readHomeFile(path, home)).rejects.toThrow(message);
});

it('says that the home itself is missing', async () => {
  await expect(readHomeFile(path, join(directory, 'none'))).rejects.toThrow(/There is no home/);
});
