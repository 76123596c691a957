import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { Secret } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { listFirecrackerImageUses } from './firecracker/image-uses.ts';
import { seal } from './host/seal.ts';
import { createImageStore } from './images/store.ts';
import { layDown } from './qemu/lay-down.ts';
import { qemuLayout } from './qemu/layout.ts';
import { listQemuImageUses } from './qemu/image-uses.ts';
import { templateKey } from './qemu/template/facts.ts';
import { openShelf } from './qemu/template/shelf.ts';

const { signal } = new AbortController();

describe('what needs an image', () => {
  let data: string;

  beforeEach(async () => {
    data = await mkdtemp(join(tmpdir(), 'sp-uses-'));
  });

  afterEach(() => rm(data, { recursive: true }));

  async function leave(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(data, path)), { recursive: true });
    await writeFile(join(data, path), content);
  }

  const record = (machineId: string, image: string): string =>
    JSON.stringify({ plan: { machineId, image: `${image}-planned` }, uid: 200_001, image });
  const sealed = (value: object): string => seal(value, 'a snapshot', new Secret('a key that is not read'));

  it('is a machine of QEMU, with the image of its record and of its plan, and its snapshot', async () => {
    await leave('qemu/m-one/machine.json', record('m-one', 'cli-1'));
    await leave('qemu/m-one/snapshot/manifest.json', sealed({ facts: { kernel: 'hash-k', image: 'hash-i' } }));
    await leave('qemu/m-half/disk.ext4', 'a killed server left it');
    expect(await listQemuImageUses(data)).toEqual([
      { image: 'cli-1', by: 'machine m-one' },
      { image: 'cli-1-planned', by: 'machine m-one' },
      { image: 'hash-k', by: 'the snapshot of machine m-one' },
      { image: 'hash-i', by: 'the snapshot of machine m-one' },
    ]);
  });

  it('is a template of browser machines, finished or not', async () => {
    const shelf = openShelf(data);
    const facts = {
      program: 'p',
      host: 'h',
      kernel: 'kernel-1',
      image: 'browser-1',
      agent: 'a',
      hardware: 'w',
      plan: 'l',
    };
    const finished = shelf.unfinished(templateKey(facts));
    await mkdir(finished.root, { recursive: true });
    for (const path of [finished.disk, finished.agentDrive]) await writeFile(path, '');
    await shelf.add(facts);
    await leave('qemu-templates/other.unfinished/machine.json', record('m-template', 'browser-2'));
    expect((await listQemuImageUses(data)).map(({ image }) => image)).toEqual(
      expect.arrayContaining(['kernel-1', 'browser-1', 'browser-2']),
    );
  });

  it('is a machine of Firecracker, and each snapshot of it', async () => {
    await leave('firecracker/m-two/machine.json', record('m-two', 'cli-2'));
    await leave('firecracker/m-two/snap/gen-3/manifest', sealed({ sources: { kernel: 'hash-k', base: 'hash-b' } }));
    await leave('firecracker/m-two/snap/gen-4.tmp/state', '');
    expect((await listFirecrackerImageUses(data)).map(({ image }) => image)).toEqual([
      'cli-2',
      'cli-2-planned',
      'hash-k',
      'hash-b',
    ]);
  });

  it('is nothing on a host without machines', async () => {
    expect([...(await listQemuImageUses(data)), ...(await listFirecrackerImageUses(data))]).toEqual([]);
  });

  it('is not a machine whose image was removed before its record was written: that one is not made', async () => {
    const directory = join(data, 'qemu');
    await mkdir(directory);
    const machineId = 'm-late';
    const plan = {
      machineId,
      userId: 'user',
      role: 'cli',
      memoryMb: 384,
      vcpus: 1,
      diskMb: 64,
      labels: {},
      agent: { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/node' },
      clis: [],
    } as const;
    const images = createImageStore({ directory: join(data, 'images') });
    const layout = qemuLayout(data, machineId);
    await expect(layDown({ plan, image: 'cli-gone', images, layout, directory, signal })).rejects.toMatchObject({
      code: 'MACHINE_IMAGE_MISSING',
    });
    expect(await listQemuImageUses(data)).toEqual([]);
  });
});
