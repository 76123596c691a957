import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { requirement } from '../../../../test/setup/requirements.ts';
import { createDisk } from './create-disk.ts';

const host = requirement('disks');
const { signal } = new AbortController();
const MB = 1024 * 1024;

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sp-new-disk-'));
  path = join(folder, 'disk.ext4');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!host.met)(`a new disk ${host.reason}`, () => {
  it.each([64, 1024, 4096])('of %d MB is a whole ext4 that takes less than a megabyte', async (sizeMb) => {
    await createDisk(path, { sizeMb, signal });
    const { size, blocks, mode } = statSync(path);
    expect(size).toBe(sizeMb * MB);
    expect(blocks * 512).toBeLessThan(MB);
    expect(mode & 0o777).toBe(0o600);
    execFileSync('/usr/sbin/e2fsck', ['-fn', path], { stdio: 'pipe' });
  });

  it.runIf(process.geteuid?.() === 0)('belongs to the user that its machine runs as', async () => {
    await createDisk(path, { sizeMb: 64, owner: 201_234, signal });
    expect(statSync(path)).toMatchObject({ uid: 201_234, gid: 201_234 });
  });

  it.each([0, 63, 1.5, 65_537, Number.NaN])('cannot have %d MB, and says what it can have', async (sizeMb) => {
    await expect(createDisk(path, { sizeMb, signal })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: 'Choose a whole number from 64 to 65536.',
    });
  });

  it('never takes the place of one that is there', async () => {
    writeFileSync(path, 'another disk');
    await expect(createDisk(path, { sizeMb: 64, signal })).rejects.toMatchObject({ code: 'MACHINE_FAILED' });
    expect(readFileSync(path, 'utf8')).toBe('another disk');
  });
});
