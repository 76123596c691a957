import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openServerIdentity } from './server-identity.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-identity-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('the identity of a data directory', () => {
  it('is unique, and stays the same', async () => {
    const { host } = await openServerIdentity(directory);
    expect(host).toMatch(/-[0-9a-f]{8}$/);
    expect((await openServerIdentity(directory)).host).toBe(host);
    const other = join(directory, 'other');
    await mkdir(other);
    expect((await openServerIdentity(other)).host).not.toBe(host);
  });

  it('is the name of the computer if an earlier release has used the directory', async () => {
    await mkdir(join(directory, 'master-keys', '2026-11-28-0'), { recursive: true });
    expect((await openServerIdentity(directory)).host).toBe(hostname());
  });

  it('remembers the epoch of the last claim', async () => {
    const { epochMemory } = await openServerIdentity(directory);
    expect(await epochMemory.read()).toBe(0);
    await epochMemory.write(7);
    expect(await epochMemory.read()).toBe(7);
    expect(await (await openServerIdentity(directory)).epochMemory.read()).toBe(7);
  });

  it('is never guessed if its file is damaged', async () => {
    const path = join(directory, 'server.json');
    for (const text of ['', '{', '{"host":""}', '{"host":"a","epoch":-1}']) {
      await writeFile(path, text);
      await expect(openServerIdentity(directory)).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: `${path} is damaged.`,
      });
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });
});
