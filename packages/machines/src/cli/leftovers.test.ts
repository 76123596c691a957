import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { identifyProcess } from '../host/process.ts';
import { clearLeftovers, noteInstaller } from './leftovers.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leftovers-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function unfinished(name: string): Promise<string> {
  const folder = join(directory, `${name}.tmp`);
  await mkdir(folder);
  return folder;
}

describe('clearing away unfinished installations', () => {
  it('ends the npm of a server that died and removes what it made', async () => {
    const npm = spawn('sleep', ['60']);
    const exited = once(npm, 'exit');
    await once(npm, 'spawn');
    const note = { server: { pid: process.pid, born: 'long ago' }, npm: await identifyProcess(npm.pid ?? 0) };
    await writeFile(join(await unfinished('codex-1'), '.sallyport-installing'), JSON.stringify(note));
    await clearLeftovers(directory, systemClock);
    expect(await exited).toEqual([null, 'SIGKILL']);
    expect(await readdir(directory)).toEqual([]);
  });

  it('leaves alone what a server that runs is installing, and everything that is finished', async () => {
    await noteInstaller(await unfinished('codex-1'));
    await unfinished('just-made');
    await mkdir(join(directory, 'codex-0'));
    await clearLeftovers(directory, systemClock);
    expect((await readdir(directory)).toSorted()).toEqual(['codex-0', 'codex-1.tmp', 'just-made.tmp']);
  });

  it('removes an old directory that nobody has signed', async () => {
    const folder = await unfinished('codex-1');
    await utimes(folder, 0, 0);
    await clearLeftovers(directory, systemClock);
    expect(await readdir(directory)).toEqual([]);
  });

  it('has nothing to do where nothing was ever installed', async () => {
    await expect(clearLeftovers(join(directory, 'nowhere'), systemClock)).resolves.toBeUndefined();
  });
});
