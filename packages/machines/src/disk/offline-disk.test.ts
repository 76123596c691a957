import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { requirement } from '../../../../test/setup/requirements.ts';
import { createGuestDisk } from './__fixtures__/guest-disk.ts';
import { createOfflineDisk } from './offline-disk.ts';
import { placesOf } from './places.ts';
import { putFiles } from './rewrite.ts';
import { copyDisk } from './working-copy.ts';

const host = requirement('disks');
const provider = 'codex';
const file = { path: '~/.codex/auth.json', content: '{"token":"new"}', mode: 0o600 };
const onDisk = '/upper/sallyport/homes/codex/.codex/auth.json';

describe.skipIf(!host.met)(`the disk of a virtual machine ${host.reason}`, () => {
  it('gives back what was put there, with its mode, and leaves absent files out', async () => {
    using guest = await createGuestDisk();
    const { disk } = guest;
    const note = { path: '~/note.txt', content: 'grüße\n', mode: 0o640 };
    await disk.inject(provider, [file, note]);
    expect(await disk.harvest(provider, [file.path, note.path, '~/absent', '~/no/such/folder'])).toEqual([file, note]);
    expect(await disk.harvest('claude_code', [file.path])).toEqual([]);
    expect(readdirSync(dirname(guest.path)).toSorted()).toEqual(['auth.json', 'disk.ext4']);
    expect(statSync(guest.path).mode & 0o777).toBe(0o600);
  });

  it('gives files to the machine’s user, and leaves directories of its image as they are there', async () => {
    using guest = await createGuestDisk();
    await guest.disk.inject(provider, [file]);
    const owned = (path: string): string =>
      /Mode: +(\d+)[^]*?User: +(\d+) +Group: +(\d+)/
        .exec(guest.debugfs(`stat ${path}`))
        ?.slice(1)
        .join(' ') ?? '';
    expect(owned(onDisk)).toBe('0600 1000 1000');
    for (const path of ['/upper', '/upper/sallyport']) expect(owned(path)).toBe('0755 0 0');
    const homes = '/upper/sallyport/homes';
    for (const path of [homes, `${homes}/codex`, `${homes}/codex/.codex`]) expect(owned(path)).toBe('0700 1000 1000');
    execFileSync('/usr/sbin/e2fsck', ['-fn', guest.path], { stdio: 'pipe' });
  });

  it('has one home where the machine is for one login', async () => {
    using guest = await createGuestDisk();
    const disk = createOfflineDisk({ path: guest.path, role: 'browser', requireFree: (work) => work() });
    await disk.inject(provider, [file]);
    expect(guest.debugfs('cat /upper/sallyport/home/.codex/auth.json')).toContain(file.content);
  });

  it('replaces and removes files, minds nothing that is absent, and leaves no trace of either', async () => {
    using guest = await createGuestDisk();
    const { disk } = guest;
    await disk.inject(provider, [{ ...file, content: 'canary-of-the-first-login' }]);
    expect(guest.bytes().includes('canary-of-the-first-login')).toBe(true);
    await disk.inject(provider, [{ ...file, content: 'canary-of-the-second-login' }]);
    expect(await disk.harvest(provider, [file.path])).toMatchObject([{ content: 'canary-of-the-second-login' }]);
    expect(guest.bytes().includes('canary-of-the-first-login')).toBe(false);
    await disk.remove(provider, [file.path, '~/absent', '~/no/such/folder']);
    expect(await disk.harvest(provider, [file.path])).toEqual([]);
    expect(guest.bytes().includes('canary-of-the-second-login')).toBe(false);
  });

  it('is hostile as a whole where a file does not read back as it was written', async () => {
    using guest = await createGuestDisk();
    await using copy = await copyDisk(guest.path);
    const other = {
      ...copy,
      stage: (contents: readonly string[]) => copy.stage(contents.map(() => '{"token":"old"}')),
    };
    const failure: unknown = await putFiles(other, placesOf('cli', provider, [file.path]), [file]).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'MACHINE_DISK_UNSAFE', message: expect.stringContaining('read back') });
    // A path would blame one file.
    expect(failure).not.toHaveProperty('details.path');
  });

  it('does not write the disk to read from it', async () => {
    using guest = await createGuestDisk();
    await guest.disk.inject(provider, [file]);
    const before = guest.hash();
    await guest.disk.harvest(provider, [file.path]);
    expect(guest.hash()).toBe(before);
  });

  it('takes exactly 256 KiB and refuses to write more', async () => {
    using guest = await createGuestDisk();
    const largest = { ...file, content: 'x'.repeat(256 * 1024) };
    await guest.disk.inject(provider, [largest]);
    expect(await guest.disk.harvest(provider, [file.path])).toEqual([largest]);
    const larger = { ...file, content: `${largest.content}x` };
    await expect(guest.disk.inject(provider, [larger])).rejects.toMatchObject({ code: 'MACHINE_DISK_UNSAFE' });
  });

  it('is left alone while its machine runs or sleeps', async () => {
    using guest = await createGuestDisk();
    const requireFree = () => Promise.reject(new SallyportError('MACHINE_BUSY', 'It hibernates.'));
    const busy = createOfflineDisk({ path: guest.path, role: 'cli', requireFree });
    for (const act of [
      () => busy.harvest(provider, [file.path]),
      () => busy.inject(provider, [file]),
      () => busy.remove(provider, [file.path]),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
    }
  });

  it('loses nothing when two write to it at once', async () => {
    using guest = await createGuestDisk();
    const others = ['~/a.json', '~/b.json'].map((path) => ({ ...file, path }));
    await Promise.all(others.map((other) => guest.disk.inject(provider, [other])));
    expect(await guest.disk.harvest(provider, ['~/a.json', '~/b.json'])).toEqual(others);
  });

  it('is not disturbed by what a server left behind that was killed in the middle of a write', async () => {
    using guest = await createGuestDisk();
    await guest.disk.inject(provider, [file]);
    mkdirSync(`${guest.path}.work`);
    writeFileSync(join(`${guest.path}.work`, 'disk.ext4'), 'half a copy');
    writeFileSync(join(`${guest.path}.work`, '0'), 'a credential');
    await guest.disk.inject(provider, [{ ...file, content: 'next' }]);
    expect(await guest.disk.harvest(provider, [file.path])).toMatchObject([{ content: 'next' }]);
    expect(existsSync(`${guest.path}.work`)).toBe(false);
  });

  const bad = ['/etc/passwd', '~/../x', '~/a/../../x', 'auth.json', '~/.bashrc', '~/', '~/a//b', '~root/x'];
  const control = ['~/a\nrm /upper', '~/a b', '~/a"b', '~/a\tb', '~/a\0b', '~/a;b', '~/`a`', '~/$(a)', '~/ä'];
  it.each([...bad, ...control])('refuses the path %j before it touches anything', async (path) => {
    const refused = { code: 'MACHINE_DISK_UNSAFE' };
    const disk = createOfflineDisk({ path: '/nonexistent', role: 'cli', requireFree: (work) => work() });
    await expect(disk.harvest(provider, [path])).rejects.toMatchObject(refused);
    await expect(disk.inject(provider, [{ ...file, path }])).rejects.toMatchObject(refused);
    await expect(disk.remove(provider, [path])).rejects.toMatchObject(refused);
    await expect(disk.harvest(path, [file.path])).rejects.toMatchObject(refused);
  });
});
