import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { makeInitrd } from './initrd.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-initrd-'));
  await mkdir(join(folder, 'modules/6.1/net'), { recursive: true });
  for (const name of ['busybox', 'init']) await writeFile(join(folder, name), name);
});

afterEach(() => rm(folder, { recursive: true }));

/** A module as far as anybody looks here: strings between NUL bytes. */
async function module(path: string, depends: string): Promise<void> {
  const info = `\x7fELF\0license=GPL\0depends=${depends}\0name=x\0`;
  await writeFile(join(folder, 'modules/6.1', path), info, 'latin1');
}

function make(...wanted: readonly string[]): Promise<Buffer> {
  const [busybox, init, modules] = ['busybox', 'init', 'modules'].map((name) => join(folder, name));
  return makeInitrd({ busybox: busybox ?? '', init: init ?? '', modules: modules ?? '', wanted });
}

it('loads what a module depends on first, each once, whether its file is named with dashes or not', async () => {
  await module('virtio.ko', '');
  await module('virtio-ring.ko', 'virtio');
  await module('net/virtio_net.ko', 'virtio_ring,virtio');
  await module('virtio-rng.ko', 'virtio');
  const archive = (await make('virtio_net', 'virtio_rng')).toString('latin1');
  expect(archive).toContain('virtio\nvirtio_ring\nvirtio_net\nvirtio_rng\n');
  expect(archive).toContain('modules/virtio_ring.ko\0');
});

it('says which module the kernel does not have', async () => {
  await module('overlay.ko', 'gone');
  await expect(make('overlay')).rejects.toMatchObject({
    code: 'MACHINE_IMAGE_FAILED',
    message: 'The kernel package has no module gone.',
  });
});
