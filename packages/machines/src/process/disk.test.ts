import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MachineDisk } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createHomeDisk } from './disk.ts';
import { openDirectory } from '../host/safe-directory.ts';

let root: string;
let home: string;
let outside: string;
let disk: MachineDisk;
const provider = 'codex';
const openHome = () => openDirectory(home, '~');
const file = { path: '~/.codex/auth.json', content: '{"token":"new"}', mode: 0o600 };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-disk-'));
  home = join(root, 'home');
  outside = join(root, 'outside');
  mkdirSync(home);
  mkdirSync(outside);
  writeFileSync(join(outside, 'auth.json'), "another user's");
  disk = createHomeDisk({ openHome, owner: undefined, whileStopped: (work) => work(), eraseHome: async () => {} });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('a machine disk backed by a home directory', () => {
  it('returns injected files with their modes and omits absent files', async () => {
    await disk.inject(provider, [file, { path: '~/note.txt', content: 'grüße\n', mode: 0o640 }]);
    expect(await disk.harvest(provider, ['~/.codex/auth.json', '~/note.txt', '~/absent', '~/no/such/folder'])).toEqual([
      file,
      { path: '~/note.txt', content: 'grüße\n', mode: 0o640 },
    ]);
    expect(statSync(join(home, '.codex')).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(home, '.codex'))).toEqual(['auth.json']);
  });

  it('replaces and removes files, and ignores absent ones', async () => {
    await disk.inject(provider, [file]);
    await disk.inject(provider, [{ ...file, content: 'second' }]);
    expect((await disk.harvest(provider, [file.path]))[0]?.content).toBe('second');
    await disk.remove(provider, [file.path, '~/absent', '~/no/such/folder']);
    expect(await disk.harvest(provider, [file.path])).toEqual([]);
  });

  it.runIf(process.geteuid?.() === 0)("gives files and directories to the machine's user", async () => {
    await createHomeDisk({
      openHome,
      owner: 201_234,
      whileStopped: (work) => work(),
      eraseHome: async () => {},
    }).inject(provider, [file]);
    expect(statSync(join(home, '.codex')).uid).toBe(201_234);
    expect(statSync(join(home, '.codex/auth.json')).uid).toBe(201_234);
  });

  it.each(['/etc/passwd', '~/../outside/auth.json', '~/a/../../x', 'auth.json', '~/.bashrc', '~/', '~/a//b'])(
    'refuses the path %s',
    async (path) => {
      await expect(disk.harvest(provider, [path])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
      await expect(disk.inject(provider, [{ ...file, path }])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
      await expect(disk.remove(provider, [path])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
    },
  );

  const targets: Record<string, () => string> = {
    absolute: () => outside,
    'with ..': () => '../outside',
    'to itself': () => '.codex',
    dangling: () => join(root, 'nowhere'),
    'to the root': () => '/',
  };
  it.each(Object.keys(targets))('never passes through a directory that is a link (%s)', async (kind) => {
    symlinkSync(targets[kind]?.() ?? '', join(home, '.codex'));
    for (const act of [() => disk.harvest(provider, [file.path]), () => disk.inject(provider, [file])]) {
      await expect(act()).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
    }
    expect(readFileSync(join(outside, 'auth.json'), 'utf8')).toBe("another user's");
    expect(existsSync(join(root, 'nowhere'))).toBe(false);
    await disk.remove(provider, [file.path]);
    await disk.inject(provider, [file]);
    expect(await disk.harvest(provider, [file.path])).toEqual([file]);
    expect(readFileSync(join(outside, 'auth.json'), 'utf8')).toBe("another user's");
  });

  it.each(['auth.json', '../../outside/auth.json', '/etc/passwd', 'nowhere'])(
    'does not read through a file that is a link to %s, and writing replaces the link',
    async (target) => {
      mkdirSync(join(home, '.codex'));
      symlinkSync(target, join(home, '.codex/auth.json'));
      await expect(disk.harvest(provider, [file.path])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
      await disk.inject(provider, [file]);
      expect(await disk.harvest(provider, [file.path])).toEqual([file]);
      expect(readFileSync(join(outside, 'auth.json'), 'utf8')).toBe("another user's");
    },
  );

  it('removes a link itself, not what it points to', async () => {
    mkdirSync(join(home, '.codex'));
    symlinkSync(join(outside, 'auth.json'), join(home, '.codex/auth.json'));
    await disk.remove(provider, [file.path]);
    expect(readFileSync(join(outside, 'auth.json'), 'utf8')).toBe("another user's");
    expect(readdirSync(join(home, '.codex'))).toEqual([]);
  });

  const plants: Record<string, (path: string) => void> = {
    'a FIFO': (path) => execFileSync('mkfifo', [path]),
    'a directory': (path) => mkdirSync(path),
    'a second name of another file': (path) => linkSync(join(outside, 'auth.json'), path),
    'a file that is too large': (path) => writeFileSync(path, Buffer.alloc(256 * 1024 + 1, 120)),
    'a sparse file': (path) => {
      writeFileSync(path, '');
      truncateSync(path, 1024 ** 4);
    },
    'bytes that are not text': (path) => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00])),
  };
  it.each(Object.keys(plants))('refuses to read %s without blocking', async (kind) => {
    mkdirSync(join(home, '.codex'));
    plants[kind]?.(join(home, '.codex/auth.json'));
    await expect(disk.harvest(provider, [file.path])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
  });

  it.each(Object.keys(plants))('removes and replaces %s', async (kind) => {
    mkdirSync(join(home, '.codex'));
    plants[kind]?.(join(home, '.codex/auth.json'));
    await disk.remove(provider, [file.path]);
    await disk.inject(provider, [file]);
    expect(await disk.harvest(provider, [file.path])).toEqual([file]);
    expect(readFileSync(join(outside, 'auth.json'), 'utf8')).toBe("another user's");
  });

  it('moves a directory aside that stands in place of a file, with all that is in it', async () => {
    mkdirSync(join(home, '.codex/auth.json/deep'), { recursive: true });
    writeFileSync(join(home, '.codex/auth.json/deep/notes'), 'of the user');
    await disk.remove(provider, [file.path]);
    const [aside = '', ...others] = readdirSync(join(home, '.codex'));
    expect([aside, others]).toEqual([expect.stringMatching(/^auth\.json\.directory-[0-9a-f]{8}$/), []]);
    expect(readFileSync(join(home, '.codex', aside, 'deep/notes'), 'utf8')).toBe('of the user');
  });

  it('does not write over a directory, and leaves no temporary file', async () => {
    mkdirSync(join(home, '.codex/auth.json'), { recursive: true });
    await expect(disk.inject(provider, [file])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
    expect(readdirSync(join(home, '.codex'))).toEqual(['auth.json']);
  });

  it('accepts exactly 256 KiB and refuses to write more', async () => {
    const largest = { ...file, content: 'x'.repeat(256 * 1024) };
    await disk.inject(provider, [largest]);
    expect((await disk.harvest(provider, [file.path]))[0]?.content).toHaveLength(256 * 1024);
    await expect(disk.inject(provider, [{ ...file, content: `${largest.content}x` }])).rejects.toMatchObject({
      code: 'MACHINE_DISK_UNSAFE',
    });
    expect((await disk.harvest(provider, [file.path]))[0]?.content).toHaveLength(256 * 1024);
  });

  it('refuses a file where a directory should be', async () => {
    writeFileSync(join(home, '.codex'), 'a file');
    chmodSync(join(home, '.codex'), 0o600);
    await expect(disk.inject(provider, [file])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
  });
});
