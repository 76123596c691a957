import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { writeSettings } from './settings.ts';

let root: string;
let home: string;
const path = '~/.cli.json';
const content = '{"onboarded":true,"ui":{"theme":"dark"}}';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-settings-'));
  home = join(root, 'home');
  await mkdir(home);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const read = (): Promise<string> => readFile(join(home, '.cli.json'), 'utf8');

/** What the file says in the end, and whether it was written at all. */
async function written(write: 'merge-json' | 'fill-json', before: string | undefined) {
  const file = join(home, '.cli.json');
  if (before !== undefined) await writeFile(file, before);
  const inode = before === undefined ? undefined : (await stat(file)).ino;
  await writeSettings(home, [{ path, content, write }]);
  return { text: await read(), isNew: (await stat(file)).ino !== inode };
}

describe('the settings of a CLI', () => {
  it.each(['merge-json', 'fill-json'] as const)('are the whole of a file that is new or empty (%s)', async (write) => {
    expect((await written(write, undefined)).text).toBe(content);
    expect((await written(write, ' \n')).text).toBe(content);
  });

  it('fill in what a file has not, and leave what the user has chosen', async () => {
    const { text } = await written('fill-json', '{"ui":{"theme":"light","size":2},"counter":7}');
    expect(JSON.parse(text)).toEqual({ onboarded: true, ui: { theme: 'light', size: 2 }, counter: 7 });
  });

  it('are merged over what a file says, and leave the rest', async () => {
    const { text } = await written('merge-json', '{"onboarded":false,"counter":7}');
    expect(JSON.parse(text)).toEqual({ onboarded: true, ui: { theme: 'dark' }, counter: 7 });
  });

  it.each(['merge-json', 'fill-json'] as const)('touch no file that says the same already (%s)', async (write) => {
    const before = '{"counter":7,\n "ui":{"theme":"dark"}, "onboarded":true}';
    expect(await written(write, before)).toEqual({ text: before, isNew: false });
  });

  it('are written where a directory stands in their place, which is moved aside', async () => {
    await mkdir(join(home, '.cli.json/deep'), { recursive: true });
    await writeSettings(home, [{ path, content }]);
    expect(await read()).toBe(content);
    expect(await readdir(home)).toEqual(['.cli.json', expect.stringMatching(/^\.cli\.json\.directory-/)]);
  });

  it('leave a file that is not JSON to the CLI', async () => {
    expect(await written('fill-json', '{"counter":')).toEqual({ text: '{"counter":', isNew: false });
    expect(await written('fill-json', '[1]')).toEqual({ text: '[1]', isNew: false });
  });

  it.each<[kind: string, plant: (file: string) => Promise<unknown>]>([
    ['a FIFO', async (file) => execFileSync('mkfifo', [file])],
    [
      'a link to one',
      async (file) => {
        execFileSync('mkfifo', [join(root, 'fifo')]);
        await symlink(join(root, 'fifo'), file);
      },
    ],
  ])('replace %s, which nothing is read from', async (_kind, plant) => {
    await plant(join(home, '.cli.json'));
    await writeSettings(home, [{ path, content, write: 'replace' }]);
    expect(await read()).toBe(content);
  });

  it('are not mixed with what a link leads to', async () => {
    await writeFile(join(root, 'other'), '{"secret":"canary"}');
    await symlink(join(root, 'other'), join(home, '.cli.json'));
    await writeSettings(home, [{ path, content, write: 'fill-json' }]);
    expect(await readFile(join(root, 'other'), 'utf8')).toBe('{"secret":"canary"}');
    expect(await read()).toBe('{"secret":"canary"}');
  });
});
