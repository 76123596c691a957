import { execFile } from 'node:child_process';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { createDisk, createOfflineDisk } from '@sallyport/machines';

import { alternate, differences } from './bench.ts';
import type { Bench } from './bench.ts';

const run = promisify(execFile);

const CLONE_LIMIT_MS = 10;
const CLONE_LIMIT_MB = 1;
const SIZE_MB = 1024;

/** Whom the disks belong to where the bench is root. */
const owner = process.geteuid?.() === 0 ? 201_777 : undefined;
const { signal } = new AbortController();
const login = { path: '~/.codex/auth.json', content: JSON.stringify({ token: 'x'.repeat(4000) }), mode: 0o600 };

/**
 * A disk is made, gets a login, and is read. Against the tools alone: as this user, on the disk itself, without a
 * sandbox, a copy, a lookup of what is there or a full check.
 */
export const disks: Bench = {
  name: 'disks',
  run: async (world, count) => {
    const [ours, bare] = [join(world.folder, 'ours.ext4'), join(world.folder, 'bare.ext4')];
    const clones = await alternate(count, {
      ours: () => timed(() => createDisk(ours, { sizeMb: SIZE_MB, owner, signal }), ours),
      bare: () => timed(() => bareDisk(bare), bare),
    });
    const used = ((await stat(ours)).blocks * 512) / 1024 ** 2;
    const disk = createOfflineDisk({ path: ours, role: 'cli', requireFree: (work) => work() });
    const source = join(world.folder, 'login');
    await writeFile(source, login.content);
    await bareDirectories(bare);
    const injections = await alternate(count, {
      ours: () => timed(() => disk.inject('codex', [login])),
      bare: () => timed(() => bareInject(bare, source)),
    });
    const harvests = await alternate(count, {
      ours: () => timed(() => disk.harvest('codex', [login.path])),
      bare: () => timed(() => bareHarvest(bare)),
    });
    return [
      {
        title: 'disk made',
        kind: 'value',
        unit: 'ms',
        samples: clones.map((pair) => pair.ours),
        pairs: clones,
        limit: CLONE_LIMIT_MS,
      },
      { title: 'disk made, room', kind: 'value', unit: 'MB', samples: clones.map(() => used), limit: CLONE_LIMIT_MB },
      { title: 'login injected', kind: 'difference', unit: 'ms', samples: differences(injections), pairs: injections },
      { title: 'login harvested', kind: 'difference', unit: 'ms', samples: differences(harvests), pairs: harvests },
    ];
  },
};

async function timed(work: () => Promise<unknown>, fresh?: string): Promise<number> {
  if (fresh !== undefined) await rm(fresh, { force: true });
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function bareDisk(path: string): Promise<void> {
  await writeFile(path, '');
  await truncate(path, SIZE_MB * 1024 * 1024);
  await run('/usr/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', '-J', 'size=8', '-E', 'nodiscard', path]);
}

const FOLDERS = ['/u', '/u/.codex'];
const FILE = '/u/.codex/auth.json';

async function bareDirectories(path: string): Promise<void> {
  for (const folder of FOLDERS) await run('/usr/sbin/debugfs', ['-w', '-R', `mkdir ${folder}`, path]);
}

async function bareInject(path: string, source: string): Promise<void> {
  await run('/usr/sbin/e2fsck', ['-p', path]);
  const script = [
    `cd /u/.codex`,
    'rm auth.json',
    `write ${source} auth.json`,
    'set_inode_field auth.json mode 0100600',
  ];
  await writeFile(`${source}.script`, script.join('\n'));
  await run('/usr/sbin/debugfs', ['-w', '-f', `${source}.script`, path]);
  await bareHarvest(path);
}

async function bareHarvest(path: string): Promise<void> {
  await run('/usr/sbin/debugfs', ['-R', `stat ${FILE}`, path]);
  await run('/usr/sbin/debugfs', ['-R', `cat ${FILE}`, path]);
}
