import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Secret } from '@sallyport/core';

import { openMasterKeys } from './master-key.ts';

let dataDirectory: string;
const now = Date.UTC(2026, 0, 2);
const binding = { recordId: 'r', userId: 'u', provider: 'codex', version: 1 };

beforeEach(async () => {
  dataDirectory = await mkdtemp(join(tmpdir(), 'sallyport-keys-'));
});
afterEach(() => rm(dataDirectory, { recursive: true, force: true }));

describe('the master keys', () => {
  it('begin with one made at first start, readable by us alone, and a note to back it up', async () => {
    const { current, notice } = await openMasterKeys({ dataDirectory, inUse: [], now });
    const path = join(dataDirectory, 'master-keys', current);
    expect(current).toMatch(/^2026-01-02-[0-9a-f]{8}$/);
    expect(notice).toContain(path);
    expect(notice).toContain('Back it up');
    expect((await stat(path)).mode & 0o777).toBe(0o400);
    expect((await readFile(path)).length).toBe(32);
    expect(await readdir(join(dataDirectory, 'master-keys'))).toEqual([current]);
  });

  it('open what they sealed at an earlier start, without another note', async () => {
    const first = await openMasterKeys({ dataDirectory, inUse: [], now });
    const sealed = await first.keyRing.seal(new Secret(Buffer.from('token')), binding);
    const second = await openMasterKeys({ dataDirectory, inUse: [sealed.keyId], now });
    expect(second.notice).toBeUndefined();
    expect(Buffer.from((await second.keyRing.open(sealed, binding)).reveal()).toString()).toBe('token');
  });

  it('seal under the last one, and still open under the others', async () => {
    const first = await openMasterKeys({ dataDirectory, inUse: [], now });
    const sealed = await first.keyRing.seal(new Secret(Buffer.from('token')), binding);
    await putKey('2027-06-01-next');
    const second = await openMasterKeys({ dataDirectory, inUse: [first.current], now });
    expect(second.current).toBe('2027-06-01-next');
    expect((await second.keyRing.seal(new Secret(Buffer.from('x')), binding)).keyId).toBe('2027-06-01-next');
    expect(Buffer.from((await second.keyRing.open(sealed, binding)).reveal()).toString()).toBe('token');
  });

  it('are never made again while credentials are sealed under one that is missing', async () => {
    await expect(openMasterKeys({ dataDirectory, inUse: ['2026-01-01-lost'], now })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('2026-01-01-lost'),
      hint: expect.stringContaining('backup'),
    });
    expect(await readdir(join(dataDirectory, 'master-keys'))).toEqual([]);
  });

  it.each([
    ['can be read by other users', (path: string) => chmod(path, 0o444)],
    ['has 31 bytes', (path: string) => replace(path, randomBytes(31))],
    ['is all zeros', (path: string) => replace(path, Buffer.alloc(32))],
  ])('are refused when one %s', async (problem, spoil) => {
    const { current } = await openMasterKeys({ dataDirectory, inUse: [], now });
    await spoil(join(dataDirectory, 'master-keys', current));
    await expect(openMasterKeys({ dataDirectory, inUse: [], now })).rejects.toThrow(problem);
  });

  it('are refused when one is a link', async () => {
    const { current } = await openMasterKeys({ dataDirectory, inUse: [], now });
    await symlink(join(dataDirectory, 'master-keys', current), join(dataDirectory, 'master-keys', 'z'));
    await expect(openMasterKeys({ dataDirectory, inUse: [], now })).rejects.toThrow('not a plain file');
  });
});

async function putKey(id: string): Promise<void> {
  await writeFile(join(dataDirectory, 'master-keys', id), randomBytes(32), { mode: 0o400 });
}

async function replace(path: string, content: Uint8Array): Promise<void> {
  await rm(path);
  await writeFile(path, content, { mode: 0o400 });
}
