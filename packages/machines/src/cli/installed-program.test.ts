import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { checkProgram, makeExecutable } from './installed-program.ts';

let root: string;
let directory: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-program-'));
  directory = join(root, 'cli');
  await mkdir(directory);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function unpack(path: string, mode = 0o644): Promise<void> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, '');
  await chmod(file, mode);
}

const modeOf = async (path: string): Promise<number> => (await stat(join(root, path))).mode & 0o777;

describe('a program without an exec bit', () => {
  it('gets it for every user, whichever of the paths a release has', async () => {
    await unpack('cli/node_modules/a/old/a');
    await unpack('cli/node_modules/a/other');
    const paths = ['node_modules/a/new/a', 'node_modules/a/old/a'];
    expect(await checkProgram(directory, paths)).toBe('node_modules/a/old/a of its package cannot be executed');
    await makeExecutable(directory, paths);
    expect(await checkProgram(directory, paths)).toBeUndefined();
    expect(await modeOf('cli/node_modules/a/old/a')).toBe(0o755);
    expect(await modeOf('cli/node_modules/a/other')).toBe(0o644);
  });

  it.each(['a.js', 'a.mjs', 'a.cjs'])('stays without it where it is JavaScript such as %s', async (name) => {
    await unpack(`cli/node_modules/a/${name}`);
    const paths = [`node_modules/a/${name}`];
    await makeExecutable(directory, paths);
    expect(await modeOf(`cli/node_modules/a/${name}`)).toBe(0o644);
    expect(await checkProgram(directory, paths)).toBeUndefined();
  });

  it('gets it through a link that stays in the installation', async () => {
    await unpack('cli/node_modules/a/bin/a');
    await mkdir(join(directory, 'node_modules', '.bin'));
    await symlink('../a/bin/a', join(directory, 'node_modules', '.bin', 'a'));
    await makeExecutable(directory, ['node_modules/.bin/a']);
    expect(await modeOf('cli/node_modules/a/bin/a')).toBe(0o755);
  });
});

describe('a link that leads out of the installation', () => {
  // The second begins with the name of the installation.
  it.each(['outside/file', 'cli-other/file'])('to %s changes nothing there, and is refused', async (target) => {
    await unpack(target, 0o600);
    await mkdir(join(directory, 'node_modules'));
    await symlink(join(root, target), join(directory, 'node_modules', 'file'));
    await symlink(join(root, dirname(target)), join(directory, 'node_modules', 'folder'));
    for (const path of ['node_modules/file', 'node_modules/folder/file']) {
      await makeExecutable(directory, [path]);
      expect(await checkProgram(directory, [path])).toBe(
        `${path} of its package is a link that leads out of the installation`,
      );
    }
    expect(await modeOf(target)).toBe(0o600);
  });

  it('to nowhere counts as a program that this release does not have', async () => {
    await unpack('cli/node_modules/a/old/a', 0o755);
    await symlink('gone', join(directory, 'node_modules', 'a', 'a'));
    expect(await checkProgram(directory, ['node_modules/a/a', 'node_modules/a/old/a'])).toBeUndefined();
    expect(await checkProgram(directory, ['node_modules/a/a'])).toBe('its package has no node_modules/a/a');
  });
});
