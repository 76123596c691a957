import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { readReservedIds } from '../host/reserved-ids.ts';
import { allotUser, releaseStrayUsers, releaseUser } from './user-allotment.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'sallyport-users-'))));
afterEach(() => rmSync(directory, { recursive: true }));

const quiet = { reserved: [], isActive: () => Promise.resolve(false) };

describe('the user of a machine', () => {
  it('is not one that the host has given to a user or delegated to a container', async () => {
    const first = await allotUser(directory, 'm-one', quiet);
    const reserved = [{ start: first + 1, end: first + 700 }];
    expect(await allotUser(directory, 'm-two', { ...quiet, reserved })).toBe(first + 700);
  });

  it('comes from another block if the whole block is delegated', async () => {
    const first = await allotUser(directory, 'm-one', quiet);
    const reserved = [{ start: first - 999, end: first + 65_536 }];
    const next = await allotUser(directory, 'm-two', { ...quiet, reserved });
    expect(reserved.every(({ start, end }) => next < start || next >= end)).toBe(true);
  });

  it('is not one whose processes already run, and leaves no claim on those', async () => {
    const first = await allotUser(directory, 'm-one', quiet);
    const isActive = (uid: number): Promise<boolean> => Promise.resolve(uid < first + 3);
    expect(await allotUser(directory, 'm-two', { ...quiet, isActive })).toBe(first + 3);
    expect(readdirSync(join(directory, 'machine-users'))).toEqual([`${first}`, `${first + 3}`, 'last']);
  });

  it('rests after its release until the others of its block have been used', async () => {
    const first = await allotUser(directory, 'm-0', quiet);
    const seen: number[] = [];
    for (let count = 1; count <= 1000; count++) {
      const uid = await allotUser(directory, `m-${count}`, quiet);
      seen.push(uid);
      await releaseUser(directory, count === 1 ? first : uid, count === 1 ? 'm-0' : `m-${count}`);
    }
    expect(seen.slice(0, 999)).not.toContain(first);
    expect(seen[999]).toBe(first);
  });

  it('is freed with its machine, and the UID allotted last is kept', async () => {
    const first = await allotUser(directory, 'm-one', quiet);
    const second = await allotUser(directory, 'm-two', quiet);
    expect(await releaseStrayUsers(directory, async (machineId) => machineId === 'm-two')).toEqual([
      `user ${first} of m-one`,
    ]);
    expect(readdirSync(join(directory, 'machine-users'))).toEqual([`${second}`, 'last']);
  });

  it('is never freed while it is allotted, and nothing of an interrupted allotment stays', async () => {
    const claims = join(directory, 'machine-users');
    const found: (readonly string[])[] = [];
    const isActive = async (): Promise<boolean> => {
      found.push(await releaseStrayUsers(directory, async (machineId) => machineId === 'm-one'));
      return false;
    };
    const uid = await allotUser(directory, 'm-one', { ...quiet, isActive });
    writeFileSync(join(claims, 'm-gone'), '');
    expect(found).toEqual([[]]);
    expect(await releaseStrayUsers(directory, async (machineId) => machineId === 'm-one')).toEqual([]);
    expect(readdirSync(claims)).toEqual([`${uid}`, 'last']);
  });

  it('is refused with what to do if the host has given all away', async () => {
    const reserved = [{ start: 100_000, end: 600_000 }];
    await expect(allotUser(directory, 'm-one', { ...quiet, reserved })).rejects.toMatchObject({
      code: 'MACHINE_FAILED',
      hint: expect.stringContaining('/etc/subuid'),
    });
  });
});

describe('the reserved IDs of a host', () => {
  it('are its users, its groups and the ranges it delegates', async () => {
    const etc = join(directory, 'etc');
    mkdirSync(etc);
    writeFileSync(join(etc, 'passwd'), 'root:x:0:0:root:/root:/bin/sh\nana:x:200005:100::/home/ana:/bin/sh\n');
    writeFileSync(join(etc, 'group'), 'staff:x:200010:ana\n');
    writeFileSync(join(etc, 'subuid'), '# containers\nana:231072:65536\nbroken line\n');
    expect(await readReservedIds(etc)).toEqual([
      { start: 0, end: 1 },
      { start: 200_005, end: 200_006 },
      { start: 200_010, end: 200_011 },
      { start: 231_072, end: 296_608 },
    ]);
  });
});
