import { execFileSync, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { requirement } from '../../../../test/setup/requirements.ts';
import { createGuestDisk, guestDiskFrom } from './__fixtures__/guest-disk.ts';
import type { GuestDisk } from './__fixtures__/guest-disk.ts';
import { createOfflineDisk } from './offline-disk.ts';

const host = requirement('disks');
const transcript = 'canary of a conversation';
const other = { path: '~/.claude/.credentials.json', content: 'of another', mode: 0o600 };

/** A disk whose `codex` home was filled on this host, with names that no command of debugfs could hold. */
async function diskWith(fill: (home: string, upper: string) => void): Promise<GuestDisk> {
  const tree = mkdtempSync(join(tmpdir(), 'sp-home-'));
  try {
    const upper = join(tree, 'upper/sallyport');
    const home = join(upper, 'homes/codex');
    mkdirSync(join(upper, 'home/work'), { recursive: true });
    mkdirSync(home, { recursive: true });
    writeFileSync(join(upper, 'home/work/note.txt'), 'work stays');
    fill(home, upper);
    const guest = await guestDiskFrom(tree);
    await guest.disk.inject('claude_code', [other]);
    return guest;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

function check({ path }: GuestDisk): void {
  execFileSync('/usr/sbin/e2fsck', ['-fn', path], { stdio: 'pipe' });
}

async function expectOthersKept(guest: GuestDisk): Promise<void> {
  expect(await guest.disk.harvest('claude_code', [other.path])).toEqual([other]);
  expect(guest.debugfs('cat /upper/sallyport/home/work/note.txt')).toContain('work stays');
}

describe.skipIf(!host.met)(`erasing a home on the disk of a virtual machine ${host.reason}`, () => {
  it('leaves nothing of it to read, and ~/work and other homes as they are', async () => {
    using guest = await diskWith((home) => {
      const sessions = join(home, '.codex/sessions/2026/01');
      mkdirSync(sessions, { recursive: true });
      writeFileSync(join(sessions, 'rollout.jsonl'), transcript);
      for (const name of ['a b', 'a\nunlink upper', '"quoted" `$(x)`', 'ä', '-x', '<2>', '.']) {
        writeFileSync(join(home, `${name}~`), transcript);
      }
      mkdirSync(join(home, 'a\ndebugfs: clri <2>\n'));
      symlinkSync('/upper/sallyport/home/work', join(home, 'work'));
      symlinkSync(`/long/${'x'.repeat(200)}`, join(home, 'long link'));
      execFileSync('mkfifo', [join(home, 'fifo')]);
    });
    expect(guest.bytes().includes(transcript)).toBe(true);
    await guest.disk.eraseHome?.('codex');
    expect(guest.debugfs('ls -p /upper/sallyport/homes')).not.toContain('codex');
    expect(guest.bytes().includes(transcript)).toBe(false);
    await expectOthersKept(guest);
    check(guest);
    await guest.disk.eraseHome?.('codex');
    const again = { ...other, path: '~/.codex/auth.json' };
    await guest.disk.inject('codex', [again]);
    expect(await guest.disk.harvest('codex', [again.path])).toEqual([again]);
  });

  it('takes a directory with an index, and gives back the room of its files', async () => {
    // A directory with a hash tree, as a guest's kernel makes it.
    const files = 600;
    using guest = await diskWith((home) => {
      for (let count = 0; count < files; count++) writeFileSync(join(home, `${count}-${'n'.repeat(60)}`), 'x');
    });
    // It ends with 1 where it changed something.
    spawnSync('/usr/sbin/e2fsck', ['-fyD', guest.path]);
    expect(guest.debugfs('htree_dump /upper/sallyport/homes/codex')).toContain('Root node dump');
    const freeInodes = (): number => Number(/Free inodes: +(\d+)/.exec(guest.debugfs('stats'))?.[1]);
    const before = freeInodes();
    await guest.disk.eraseHome?.('codex');
    expect(freeInodes() - before).toBe(files + 1);
    await expectOthersKept(guest);
    check(guest);
  });

  it('keeps a file that has a name outside the home, and removes one that has two inside', async () => {
    using guest = await diskWith((home, upper) => {
      linkSync(join(upper, 'home/work/note.txt'), join(home, 'linked'));
      writeFileSync(join(home, 'one'), transcript);
      linkSync(join(home, 'one'), join(home, 'two'));
    });
    await guest.disk.eraseHome?.('codex');
    expect(guest.bytes().includes(transcript)).toBe(false);
    await expectOthersKept(guest);
    check(guest);
  });

  it('removes a link in place of the home, and not what it leads to', async () => {
    using guest = await diskWith((home) => {
      rmSync(home, { recursive: true });
      symlinkSync(join('..', 'home'), home);
    });
    await guest.disk.eraseHome?.('codex');
    expect(guest.debugfs('ls -p /upper/sallyport/homes')).not.toContain('codex');
    await expectOthersKept(guest);
    check(guest);
  });

  it('does not replace a disk that has no such home', async () => {
    using guest = await createGuestDisk();
    const before = guest.hash();
    await guest.disk.eraseHome?.('codex');
    expect(guest.hash()).toBe(before);
  });

  it('refuses a disk on which the home holds a directory of another, and leaves it as it is', async () => {
    using guest = await diskWith((home) => mkdirSync(join(home, 'sub')));
    guest.debugfs('ln /upper/sallyport/home/work /upper/sallyport/homes/codex/stolen');
    const before = guest.hash();
    await expect(guest.disk.eraseHome?.('codex')).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
    expect(guest.hash()).toBe(before);
    expect(guest.debugfs('cat /upper/sallyport/home/work/note.txt')).toContain('work stays');
  });

  it('waits for its machine, and refuses what is not a provider', async () => {
    const busy = createOfflineDisk({
      path: '/nonexistent',
      role: 'cli',
      requireFree: () => Promise.reject(new SallyportError('MACHINE_BUSY', 'It hibernates.')),
    });
    await expect(busy.eraseHome?.('codex')).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
    await expect(busy.eraseHome?.('../home')).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
  });
});
