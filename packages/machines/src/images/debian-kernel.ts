import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { guestDirectory } from './guest-directory.ts';
import type { BuildContext, BuiltFiles, ImageBuild } from './build.ts';
import { firstDependency, unpackPackage } from './debian-package.ts';
import { hashFile } from '../host/hashing/hash-file.ts';
import { hashValue } from './hash.ts';
import { requireTools } from './host-tools.ts';
import { INITRD_FILE, KERNEL_FILE } from './image.ts';
import { makeInitrd } from './initrd.ts';

/**
 * What a machine cannot do without and Debian's cloud kernel has as modules. `lzo_rle` is what zram compresses with,
 * which it looks up by name.
 */
const MODULES = [
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
  'virtio_net',
  'virtio_rng',
  'virtio_balloon',
  'virtio_console',
  'vmw_vsock_virtio_transport',
  'overlay',
  'lzo_rle',
  'zram',
] as const;

const INIT = join(guestDirectory, 'initrd', 'init');

/**
 * Debian's kernel for clouds with an initrd of ours: nothing is compiled. It boots in QEMU's `pc` and `q35`; `microvm`
 * announces its devices in a way that only {@link sourceKernel} listens to.
 */
export async function debianKernel(): Promise<ImageBuild> {
  const inputs = hashValue(['debian', process.arch, MODULES, await hashFile(INIT)]);
  return { kind: 'kernel', inputs, run: build };
}

async function build(context: BuildContext): Promise<BuiltFiles> {
  await requireTools(['apt-get', 'apt-cache', 'dpkg-deb'], "Fetching Debian's kernel");
  const { scratch, signal } = context;
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const linux = await unpackPackage(await firstDependency(`linux-image-cloud-${architecture}`, signal), context);
  const busybox = await unpackPackage('busybox-static', context);
  const boot = join(linux.directory, 'boot');
  const kernel = (await readdir(boot)).find((name) => name.startsWith('vmlinuz-'));
  if (kernel === undefined) {
    throw new SallyportError('MACHINE_IMAGE_FAILED', `${linux.facts.name} ${linux.facts.version} has no kernel.`);
  }
  context.onProgress('Making the initrd.');
  const initrd = join(scratch, INITRD_FILE);
  await writeFile(
    initrd,
    await makeInitrd({
      busybox: join(busybox.directory, 'bin', 'busybox'),
      init: INIT,
      modules: join(linux.directory, 'lib', 'modules'),
      wanted: MODULES,
    }),
  );
  return {
    files: { [KERNEL_FILE]: join(boot, kernel), [INITRD_FILE]: initrd },
    programs: {},
    packages: [linux.facts, busybox.facts],
  };
}
