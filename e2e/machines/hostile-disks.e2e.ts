import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { createGuestDisk, guestDiskFrom } from '../../packages/machines/src/disk/__fixtures__/guest-disk.ts';
import type { GuestDisk } from '../../packages/machines/src/disk/__fixtures__/guest-disk.ts';

const provider = 'codex';
const file = { path: '~/.codex/auth.json', content: '{"token":"of the ledger"}', mode: 0o600 };
const unsafe = { code: 'MACHINE_DISK_UNSAFE', hint: expect.stringContaining('Log in again') };
const home = '/upper/sallyport/homes/codex';
const folder = `${home}/.codex`;
const leaf = `${folder}/auth.json`;

/** A disk on which the CLI had logged in. */
async function usedDisk(): Promise<GuestDisk> {
  const guest = await createGuestDisk();
  await guest.disk.inject(provider, [{ ...file, content: '{"token":"of the CLI"}' }]);
  return guest;
}

/** Refused in all three ways, with the disk and everything around it as it was. */
async function expectRefusal(guest: GuestDisk): Promise<void> {
  const before = guest.hash();
  await expect(guest.disk.harvest(provider, [file.path])).rejects.toMatchObject(unsafe);
  await expect(guest.disk.inject(provider, [file])).rejects.toMatchObject(unsafe);
  await expect(guest.disk.remove(provider, [file.path])).rejects.toMatchObject(unsafe);
  expect(guest.hash()).toBe(before);
}

describe('a directory on the way to a credential', () => {
  const inPlaceOf: Readonly<Record<string, readonly string[]>> = {
    'the directory of the CLI': [`rm ${leaf}`, `rmdir ${folder}`, `symlink ${folder}`],
    'the home': [`rm ${leaf}`, `rmdir ${folder}`, `rmdir ${home}`, `symlink ${home}`],
    'the directory of the homes': [
      `rm ${leaf}`,
      `rmdir ${folder}`,
      `rmdir ${home}`,
      'rmdir /upper/sallyport/homes',
      'symlink /upper/sallyport/homes',
    ],
  };
  const hostDirectory = (guest: GuestDisk): string => dirname(guest.path);
  const targets: Readonly<Record<string, (guest: GuestDisk) => string>> = {
    'a directory of this host': hostDirectory,
    'the same, relatively': (guest) => `../../../../../../..${hostDirectory(guest)}`,
    itself: () => '.codex',
    nowhere: () => '/nowhere',
    'the root': () => '/',
  };
  const cases = Object.keys(inPlaceOf).flatMap((place) => Object.keys(targets).map((target) => ({ place, target })));

  it.each(cases)('that is a link to $target in place of $place is not followed', async ({ place, target }) => {
    using guest = await usedDisk();
    const commands = inPlaceOf[place] ?? [];
    guest.debugfs(...commands.slice(0, -1), `${commands.at(-1)} ${targets[target]?.(guest)}`);
    await expectRefusal(guest);
  });

  it('that is a file is refused', async () => {
    using guest = await usedDisk();
    guest.debugfs(`rm ${leaf}`, `rmdir ${folder}`, `write ${join(hostDirectory(guest), 'auth.json')} planted`);
    guest.debugfs(`ln /planted ${folder}`, 'unlink /planted');
    await expectRefusal(guest);
  });

  it('that was deleted in the machine is made again', async () => {
    using guest = await usedDisk();
    guest.debugfs(`rm ${leaf}`, `rmdir ${folder}`, `cd ${home}`, 'mknod .codex c 0 0');
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([]);
    await guest.disk.inject(provider, [file]);
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([file]);
  });

  it('that leads back to a directory above it does not lead anywhere else', async () => {
    using guest = await usedDisk();
    guest.debugfs(`rm ${leaf}`, `rmdir ${folder}`, `ln /upper ${folder}`);
    const before = guest.hash();
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([]);
    await expect(guest.disk.inject(provider, [file])).rejects.toMatchObject(unsafe);
    expect(guest.hash()).toBe(before);
  });
});

describe('a file in place of a credential', () => {
  const plants: Readonly<Record<string, readonly string[]>> = {
    'a link to a file of this host': ['symlink auth.json /etc/passwd'],
    'a link out of the home': ['symlink auth.json ../../../../../etc/passwd'],
    'a link to itself': ['symlink auth.json auth.json'],
    'a dangling link': ['symlink auth.json /nowhere'],
    'a FIFO': ['mknod auth.json p'],
    'a character device': ['mknod auth.json c 1 5'],
    'a block device': ['mknod auth.json b 254 0'],
  };

  it.each(Object.keys(plants))('is not read where it is %s, and is replaced', async (kind) => {
    using guest = await usedDisk();
    guest.debugfs(`rm ${leaf}`, `cd ${folder}`, ...(plants[kind] ?? []));
    const before = guest.hash();
    await expect(guest.disk.harvest(provider, [file.path])).rejects.toMatchObject(unsafe);
    expect(guest.hash()).toBe(before);
    await guest.disk.inject(provider, [file]);
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([file]);
  });

  it('is absent where the machine deleted it', async () => {
    using guest = await usedDisk();
    guest.debugfs(`rm ${leaf}`, `cd ${folder}`, 'mknod auth.json c 0 0');
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([]);
  });

  it('is neither read nor written where it is a directory, which is moved aside with all that is in it', async () => {
    using guest = await usedDisk();
    guest.debugfs(`rm ${leaf}`, `mkdir ${leaf}`, `mkdir ${leaf}/deep`);
    await expect(guest.disk.harvest(provider, [file.path])).rejects.toMatchObject(unsafe);
    await expect(guest.disk.inject(provider, [file])).rejects.toMatchObject(unsafe);
    await guest.disk.remove(provider, [file.path]);
    await guest.disk.inject(provider, [file]);
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([file]);
    const [, aside = ''] = /(auth\.json\.directory-[0-9a-f]{8})/.exec(guest.debugfs(`ls ${folder}`)) ?? [];
    expect(guest.debugfs(`ls ${folder}/${aside}`)).toContain('deep');
  });

  const fields: Readonly<Record<string, string>> = {
    'has a terabyte': 'size 1099511627776',
    'has a negative size': 'size 18446744073709551615',
    'has one byte too many': `size ${256 * 1024 + 1}`,
    'has more than one name': 'links_count 2',
    'is encrypted': 'flags 0x80800',
    'is kept inside its inode': 'flags 0x10000000',
    'is compressed': 'flags 0x80004',
    'is the value of an attribute': 'flags 0x280000',
  };

  it.each(Object.keys(fields))('is not read where it %s', async (kind) => {
    using guest = await usedDisk();
    guest.debugfs(`set_inode_field ${leaf} ${fields[kind]}`);
    const before = guest.hash();
    await expect(guest.disk.harvest(provider, [file.path])).rejects.toMatchObject(unsafe);
    expect(guest.hash()).toBe(before);
  });

  it.each(['block[0] 0', 'block[1] 4294967295', 'block[2] 0', 'flags 0', 'block[5] 1'])(
    'ends in data or a refusal where its extents are wrong (%s)',
    async (field) => {
      using guest = await usedDisk();
      guest.debugfs(`set_inode_field ${leaf} ${field}`);
      await expectDataOrRefusal(guest);
    },
  );

  it('is read as it is, and written for the home’s user, when another user owns it', async () => {
    using guest = await usedDisk();
    guest.debugfs(`set_inode_field ${leaf} uid 0`, `set_inode_field ${leaf} mode 0104777`);
    expect(await guest.disk.harvest(provider, [file.path])).toMatchObject([{ mode: 0o777 }]);
    await guest.disk.inject(provider, [file]);
    expect(guest.debugfs(`stat ${leaf}`)).toMatch(/Mode: {2}0600[^]*User: +1000 +Group: +1000 /);
  });

  it('is not taken for text where it is none', async () => {
    using guest = await usedDisk();
    const junk = join(dirname(guest.path), 'junk');
    writeFileSync(junk, Buffer.from([0xff, 0xfe, 0]));
    guest.debugfs(`rm ${leaf}`, `cd ${folder}`, `write ${junk} auth.json`);
    await expect(guest.disk.harvest(provider, [file.path])).rejects.toMatchObject(unsafe);
  });
});

describe('a disk that says something else than it is', () => {
  const superblocks: Readonly<Record<string, string>> = {
    'wants a lock': 'feature mmp',
    'is encrypted': 'feature encrypt',
    'keeps data in inodes': 'feature inline_data',
    'has its journal elsewhere': 'feature journal_dev',
    'has values in inodes': 'feature ea_inode',
    'has features nobody knows': 'feature FEATURE_I31',
    'has huge blocks': 'ssv log_block_size 34',
    'has more blocks than bytes': 'ssv blocks_count 4294967295',
    'has huge inodes': 'ssv inode_size 32768',
  };

  it.each(Object.keys(superblocks))('is refused where it %s', async (kind) => {
    using guest = await usedDisk();
    guest.debugfs(superblocks[kind] ?? '');
    await expectRefusal(guest);
  });

  it('is refused where it is not ext4', async () => {
    using guest = await usedDisk();
    guest.keep()([{ at: 1024 + 0x38, byte: 0 }]);
    await expectRefusal(guest);
  });

  it('is refused where it was cut off, or is not a file', async () => {
    using guest = await usedDisk();
    truncateSync(guest.path, 1_000_000);
    await expectRefusal(guest);
    truncateSync(guest.path, 10);
    await expectRefusal(guest);
    rmSync(guest.path);
    mkdirSync(guest.path);
    await expect(guest.disk.harvest(provider, [file.path])).rejects.toMatchObject(unsafe);
  });

  it('is refused where it has no room, and stays as it is', async () => {
    using guest = await usedDisk();
    const filler = join(dirname(guest.path), 'filler');
    writeFileSync(filler, Buffer.alloc(60 * 1024 * 1024, 1));
    guest.debugfs(`write ${filler} filler`);
    const before = guest.hash();
    const large = { ...file, content: 'x'.repeat(200_000) };
    await expect(guest.disk.inject(provider, [large])).rejects.toMatchObject(unsafe);
    expect(guest.hash()).toBe(before);
  });
});

describe('names that look like something else', () => {
  it('are not taken for what debugfs says', async () => {
    const tree = mkdtempSync(join(tmpdir(), 'sp-guest-tree-'));
    try {
      const inHome = join(tree, 'upper/sallyport/homes/codex');
      mkdirSync(join(inHome, '.codex'), { recursive: true });
      const forged = 'x\ndebugfs: inode_dump /upper\n0000  8081 0000 0000\nrm /upper';
      writeFileSync(join(inHome, '.codex', forged.replaceAll('/', '_')), 'name');
      symlinkSync(forged, join(inHome, '.codex', 'link'));
      writeFileSync(join(inHome, '.codex', 'auth.json'), 'debugfs: cat /upper/x\ndebugfs 1.47.0\n', { mode: 0o600 });
      // Deep enough for a walk that calls itself.
      mkdirSync(join(inHome, ...Array.from({ length: 300 }, () => 'd')), { recursive: true });
      using guest = await guestDiskFrom(tree);
      expect(await guest.disk.harvest(provider, [file.path])).toMatchObject([
        { content: 'debugfs: cat /upper/x\ndebugfs 1.47.0\n' },
      ]);
      await expect(guest.disk.harvest(provider, ['~/.codex/link'])).rejects.toMatchObject(unsafe);
      await guest.disk.inject(provider, [file]);
      expect(await guest.disk.harvest(provider, [file.path])).toEqual([file]);
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  });
});

async function expectDataOrRefusal(guest: GuestDisk): Promise<void> {
  for (const act of [
    () => guest.disk.harvest(provider, [file.path]),
    () => guest.disk.inject(provider, [file]),
    () => guest.disk.remove(provider, [file.path]),
  ]) {
    const before = guest.hash();
    const refusal = await act().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refusal === undefined) continue;
    expect(refusal).toMatchObject(unsafe);
    expect(guest.hash()).toBe(before);
  }
}
