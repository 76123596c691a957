import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { pinnedPaths } from './pinned-paths.ts';

let work: string;

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-work-')));
});

afterEach(() => rm(work, { recursive: true, force: true }));

const own = { name: '.own', kind: 'directory' as const };
const directory = { name: '.other', kind: 'directory' as const };
const file = { name: 'other.json', kind: 'file' as const };

describe('what a CLI can neither rename nor remove', () => {
  it('is what other providers hide, made where it is missing, without what is hidden from itself', async () => {
    const cli = { hiddenInWork: [own], pinnedInWork: [own, directory, file] };
    const expected = [
      { path: join(work, '.other'), kind: 'directory' },
      { path: join(work, 'other.json'), kind: 'file' },
    ];
    expect(await pinnedPaths(work, cli, () => true)).toEqual(expected);
    expect((await readdir(work)).toSorted()).toEqual(['.other', 'other.json']);
    // What is there stays as it is.
    await writeFile(join(work, 'other.json'), 'of the user');
    expect(await pinnedPaths(work, cli, () => true)).toEqual(expected);
  });

  it('is named as what it is, and has both names of a `~/work` that is reached by a link', async () => {
    await mkdir(join(work, 'real'));
    await writeFile(join(work, 'real/.other'), '');
    await symlink('real', join(work, 'link'));
    const cli = { hiddenInWork: [], pinnedInWork: [directory] };
    expect(await pinnedPaths(join(work, 'link'), cli, () => true)).toEqual([
      { path: join(work, 'link/.other'), kind: 'file' },
      { path: join(work, 'real/.other'), kind: 'file' },
    ]);
  });

  it('is not a link, nor anything that a program could replace with one meanwhile', async () => {
    await symlink('/', join(work, '.other'));
    const cli = { hiddenInWork: [], pinnedInWork: [directory, file] };
    expect(await pinnedPaths(work, cli, (path) => !path.endsWith('.json'))).toEqual([]);
    expect(await readdir(work)).toEqual(['.other']);
  });
});
