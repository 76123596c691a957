import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { stampStart } from './start-files.ts';

let home: string;
let cwd: string;
let hidden: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sallyport-stamp-'));
  cwd = join(home, 'work');
  hidden = join(cwd, '.acme');
  await mkdir(hidden, { recursive: true });
});

afterEach(() => rm(home, { recursive: true, force: true }));

const stamp = (): Promise<string> =>
  stampStart({ home, cwd, hiddenPaths: [{ path: hidden, kind: 'directory' }] }, ['~/.acme.json']);

describe('the stamp of what a CLI was started with', () => {
  it('stays the same where files are written to its working directory', async () => {
    const before = await stamp();
    await writeFile(join(cwd, 'work.txt'), 'work');
    expect(await stamp()).toBe(before);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a file that it reads was made', () => writeFile(join(home, '.acme.json'), '{}')],
    ['what is hidden from it was removed', () => rm(hidden, { recursive: true })],
    ['what is hidden from it was replaced', () => rename(hidden, `${hidden}.old`).then(() => mkdir(hidden))],
    [
      'its working directory was replaced',
      () => rename(cwd, `${cwd}.old`).then(() => mkdir(hidden, { recursive: true })),
    ],
  ])('differs where %s', async (_what, change) => {
    const before = await stamp();
    await change();
    expect(await stamp()).not.toBe(before);
  });
});
