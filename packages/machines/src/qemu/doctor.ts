import { execa } from 'execa';

import type { Check } from '@sallyport/core/driver';

import { checkDiskHost } from '../disk/doctor.ts';
import { findProgram, installCommand, programPath } from '../host/programs.ts';
import { checkDamagedImages } from '../images/doctor.ts';
import type { ImageKind } from '../images/image.ts';
import type { ImageStore } from '../images/store.ts';
import { probeHostKvm, QEMU } from './accelerator.ts';

/** Checks whether this host can run QEMU machines. Does not check the network. */
export async function checkQemuHost(images: ImageStore): Promise<readonly Check[]> {
  return [
    await checkQemu(),
    ...(await checkDiskHost()),
    await checkPrograms('util-linux', ['setpriv', 'prlimit', 'unshare', 'nsenter']),
    ...(await checkImages(images)),
    ...(await checkDamagedImages(images)),
    await checkKvm(images),
  ];
}

async function checkQemu(): Promise<Check> {
  const path = await findProgram(QEMU);
  const name = 'QEMU';
  if (path === undefined) {
    return { name, state: 'missing', found: `no ${QEMU}`, fix: installCommand(['qemu-system-x86']) };
  }
  const { stdout } = await execa(path, ['--version'], { env: { PATH: programPath }, extendEnv: false, reject: false });
  return { name, state: 'ok', found: /version (\S+)/.exec(stdout)?.[1] ?? path };
}

async function checkPrograms(debianPackage: string, programs: readonly string[]): Promise<Check> {
  const paths = await Promise.all(programs.map(findProgram));
  const missing = programs.filter((_name, index) => paths[index] === undefined);
  return missing.length === 0
    ? { name: debianPackage, state: 'ok', found: programs.join(', ') }
    : {
        name: debianPackage,
        state: 'missing',
        found: `without ${missing.join(', ')}`,
        fix: installCommand([debianPackage]),
      };
}

async function checkImages(images: ImageStore): Promise<readonly Check[]> {
  const there = await images.list();
  return (['kernel', 'cli', 'browser'] as const).map((kind: ImageKind) => {
    const image = there.find((one) => one.kind === kind);
    const name = `${kind} image`;
    const fix = `sallyport images build ${kind}`;
    return image
      ? { name, state: 'ok', found: `${image.name}, built ${image.builtAt}` }
      : { name, state: kind === 'browser' ? 'degraded' : 'missing', found: 'none', fix };
  });
}

async function checkKvm(images: ImageStore): Promise<Check> {
  const name = 'KVM';
  const { works, found } = (await probeHostKvm(images)) ?? {
    works: false,
    found: 'not tried: QEMU and a kernel image come first',
  };
  return works
    ? { name, state: 'ok', found }
    : {
        name,
        state: 'degraded',
        found: `${found}: processors are emulated, and machines are about ten times slower`,
        fix: 'Turn virtualisation on in the firmware, load the module (sudo modprobe kvm_intel or kvm_amd), and let the server open /dev/kvm',
      };
}
