import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openDataDirectory } from './data-directory.ts';
import { socketDirectoryFor } from '../host/socket-path.ts';

let parent: string;

beforeEach(async () => {
  parent = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-data-')));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

describe('the data directory', () => {
  it('is made for us alone, with the directories above it', async () => {
    const { path, release } = await openDataDirectory(join(parent, 'a', 'b'));
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    await release();
  });

  it('is closed when others could read it, but may stay one that others pass through', async () => {
    for (const [before, after] of [
      [0o755, 0o711],
      [0o770, 0o710],
      [0o711, 0o711],
    ] as const) {
      const folder = join(parent, before.toString(8));
      await mkdir(folder);
      await chmod(folder, before);
      await (await openDataDirectory(folder)).release();
      expect((await stat(folder)).mode & 0o777).toBe(after);
    }
  });

  it('is refused to a second server, with the pid of the first, until that lets go', async () => {
    const first = await openDataDirectory(parent);
    await expect(openDataDirectory(join(parent, '.'))).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR_BUSY',
      message: `Another server (pid ${process.pid}) is using ${parent}.`,
    });
    await first.release();
    await (await openDataDirectory(parent)).release();
  });

  it('is free again when the server that had it was killed', async () => {
    const holder = await holdInAnotherProcess();
    await expect(openDataDirectory(parent)).rejects.toMatchObject({ details: { pid: holder.pid } });
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    await (await openDataDirectory(parent)).release();
    expect(await readdir(join(parent, 'lock'))).toEqual([]);
  });

  it('stays taken while the server that has it is stopped', async () => {
    const holder = await holdInAnotherProcess();
    holder.kill('SIGSTOP');
    await expect(openDataDirectory(parent)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_BUSY' });
    holder.kill('SIGKILL');
  });

  it('goes to one at most of many that start at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const starts = await Promise.allSettled(Array.from({ length: 8 }, () => openDataDirectory(parent)));
      const opened = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
      expect(opened.length).toBeLessThanOrEqual(1);
      for (const directory of opened) await directory.release();
    }
    await (await openDataDirectory(parent)).release();
  });

  it('is claimed in a directory for temporary files when its path is too long for a socket', async () => {
    const long = join(parent, 'long-'.repeat(25));
    const elsewhere = socketDirectoryFor(join(long, 'lock'), 24);
    const { release } = await openDataDirectory(long);
    await expect(openDataDirectory(long)).rejects.toMatchObject({ code: 'CONFIG_DATA_DIR_BUSY' });
    expect((await stat(elsewhere)).mode & 0o777).toBe(0o700);
    await release();
    await expect(stat(elsewhere)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('says what to do when the directory cannot be made', async () => {
    await writeFile(join(parent, 'file'), '');
    await expect(openDataDirectory(join(parent, 'file'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('SALLYPORT_DATA_DIR'),
    });
  });

  it('is refused, and stays as it was, when it holds files that are not ours', async () => {
    const directory = join(parent, 'etc');
    await mkdir(directory);
    await chmod(directory, 0o755);
    await writeFile(join(directory, 'passwd'), '');
    await expect(openDataDirectory(directory)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `The data directory ${directory} holds files that are not Sallyport's (passwd). Nothing was changed.`,
      hint: expect.stringContaining(join(directory, 'sallyport')),
    });
    expect((await stat(directory)).mode & 0o777).toBe(0o755);
    expect(await readdir(directory)).toEqual(['passwd']);
  });

  it('is closed again when it is one that a server has used', async () => {
    await writeFile(join(parent, 'server.json'), '{}');
    await writeFile(join(parent, 'notes.txt'), '');
    await chmod(parent, 0o755);
    await (await openDataDirectory(parent)).release();
    expect((await stat(parent)).mode & 0o777).toBe(0o711);
    expect(await readdir(parent)).toContain('notes.txt');
  });

  it('is still ours when a command has claimed it and left files of a driver', async () => {
    await (await openDataDirectory(parent)).release();
    await mkdir(join(parent, 'machines'));
    await (await openDataDirectory(parent)).release();
  });

  it('names the file in the way when its path leads through one', async () => {
    const directory = join(parent, 'file', 'data');
    await writeFile(join(parent, 'file'), '');
    await expect(openDataDirectory(directory)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `The data directory ${directory} cannot be used: a part of that path is a file, not a directory.`,
    });
  });
});

async function holdInAnotherProcess() {
  const program = `
    import { openDataDirectory } from ${JSON.stringify(new URL('data-directory.ts', import.meta.url).href)};
    await openDataDirectory(${JSON.stringify(parent)});
    console.log('open');
    process.stdin.resume();`;
  const holder = spawn(process.execPath, ['--conditions=@sallyport/source', '--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
  await Promise.race([once(holder.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  return holder;
}
