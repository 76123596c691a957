import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { hiddenPaths } from './hidden-paths.ts';

let work: string;

beforeEach(async () => {
  work = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-work-')));
  await mkdir(join(work, 'a/b'), { recursive: true });
});

afterEach(() => rm(work, { recursive: true, force: true }));

const hidden = [{ name: '.acme', kind: 'directory' as const }];
const pathsFrom = async (cwd: string): Promise<readonly string[]> =>
  (await hiddenPaths(work, join(work, cwd), hidden)).map(({ path, kind }) => `${path.slice(work.length + 1)} ${kind}`);

describe('what a CLI must not see', () => {
  it('is hidden in its directory and in each one up to `~/work`, whether it is there or not', async () => {
    await writeFile(join(work, 'a/.acme'), '');
    expect(await pathsFrom('a/b')).toEqual(['a/b/.acme directory', 'a/.acme file', '.acme directory']);
    expect(await pathsFrom('')).toEqual(['.acme directory']);
    expect(await hiddenPaths(work, work, [])).toEqual([]);
  });

  it('is hidden on both ways up from a directory that is a link', async () => {
    await symlink('a/b', join(work, 'link'));
    expect((await pathsFrom('link')).toSorted()).toEqual([
      '.acme directory',
      'a/.acme directory',
      'a/b/.acme directory',
      'link/.acme directory',
    ]);
  });

  it('is hidden where it is a pipe, which a CLI would wait for', async () => {
    execFileSync('mkfifo', [join(work, '.acme')]);
    expect(await pathsFrom('')).toEqual(['.acme file']);
  });

  it('is refused where it is a link', async () => {
    await symlink('a', join(work, '.acme'));
    await expect(pathsFrom('')).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
  });
});
