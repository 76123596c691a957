import { copyFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { hashFile } from '../../host/hashing/hash-file.ts';
import { digestFiles, findMismatch, openManifest, sealManifest } from './manifest.ts';
import type { SnapshotManifest } from './manifest.ts';

const key = new Secret('key of this server');
const host = { firecracker: '1.16.1', snapshotFormat: '11.0.0', kernel: '6.1.0', cpu: 'GenuineIntel 6/106/6' };
const sources = { kernel: 'a1', base: 'b2' };
const expected = { machineId: 'm-1', memoryMb: 384, host, sources };

let root: string;
let files: { state: string; memory: string; disk: string; agentDrive: string };
let manifest: SnapshotManifest;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-fc-'));
  const named = (name: string): string => join(root, name);
  files = { state: named('state'), memory: named('mem'), disk: named('disk'), agentDrive: named('agent') };
  for (const path of Object.values(files)) {
    await writeFile(path, path);
  }
  const agentDrive = await hashFile(files.agentDrive);
  const digests = await digestFiles(files);
  manifest = { ...expected, generation: 1, sources: { ...sources, agentDrive }, digests };
});

afterEach(() => rm(root, { recursive: true }));

describe('the manifest of a snapshot', () => {
  it('is opened by the key that sealed it, and by no other', () => {
    const sealed = sealManifest(manifest, key);
    expect(openManifest(sealed, key)).toEqual(manifest);
    expect(openManifest(sealed, new Secret('another'))).toBeUndefined();
  });

  it.each(['', '\n', '{}', 'a\n{}'])('is refused when it is %j', (text) => {
    expect(openManifest(text, key)).toBeUndefined();
  });

  it('is refused when any character of it was changed', () => {
    const sealed = sealManifest(manifest, key);
    for (let index = 0; index < sealed.length; index += 1) {
      const changed = `${sealed.slice(0, index)}${sealed[index] === '1' ? '2' : '1'}${sealed.slice(index + 1)}`;
      expect(openManifest(changed, key), `character ${index}`).toBeUndefined();
    }
  });

  it('is refused when a version of an older shape wrote it', () => {
    for (const name of ['digests', 'sources'] as const) {
      const { [name]: _, ...older } = manifest;
      expect(openManifest(sealManifest(JSON.parse(JSON.stringify(older)), key), key)).toBeUndefined();
    }
  });
});

describe('whether a snapshot fits', () => {
  it('is said for the machine, host and files it was made of', async () => {
    expect(await findMismatch(manifest, expected, files)).toBeUndefined();
  });

  it.each([
    [{ machineId: 'm-2' }, 'another machine'],
    [{ memoryMb: 512 }, '384 MB of memory, not 512'],
    [{ host: { ...host, firecracker: '1.15.0' } }, 'Firecracker 1.16.1'],
    [{ host: { ...host, snapshotFormat: '10.0.0' } }, 'Firecracker 1.16.1'],
    [{ host: { ...host, kernel: '6.1.1' } }, 'another kernel or processor'],
    [{ host: { ...host, cpu: 'AuthenticAMD 25/1/1' } }, 'another kernel or processor'],
    [{ sources: { ...sources, kernel: 'c3' } }, 'its kernel image is another one'],
    [{ sources: { ...sources, base: 'c3' } }, 'its base image is another one'],
  ])('is denied where %o is expected', async (change, problem) => {
    expect(await findMismatch(manifest, { ...expected, ...change }, files)).toContain(problem);
  });

  it.each(['state', 'memory', 'disk'] as const)('is denied when its %s was changed or is gone', async (name) => {
    await writeFile(files[name], 'other');
    expect(await findMismatch(manifest, expected, files)).toBe(`its ${name} is not what was saved`);
    await rm(files[name]);
    expect(await findMismatch(manifest, expected, files)).toMatch(/is not what was saved$/);
  });

  it('is denied when its disk was replaced by another file with the same bytes', async () => {
    await copyFile(files.disk, join(root, 'copy'));
    await rename(join(root, 'copy'), files.disk);
    expect(await findMismatch(manifest, expected, files)).toBe('its disk is not what was saved');
  });

  it('is found out in another thread where it is large, and without a look at the bytes of its disk', async () => {
    let threads = 0;
    const count = (): void => void (threads += 1);
    process.on('worker', count);
    try {
      // A file as large as no host could read.
      await truncate(files.disk, 2 ** 40);
      await truncate(files.memory, 5_000_000);
      await digestFiles(files);
    } finally {
      process.off('worker', count);
    }
    expect(threads).toBe(1);
  });

  it('is denied when its agent drive was swapped or is gone', async () => {
    await writeFile(files.agentDrive, 'other');
    expect(await findMismatch(manifest, expected, files)).toBe('its agent drive is not what was saved');
    await rm(files.agentDrive);
    expect(await findMismatch(manifest, expected, files)).toBe('its agent drive is not what was saved');
  });
});
