import { copyFile, readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { guestDirectory } from './guest-directory.ts';
import type { BuildContext, BuiltFiles, ImageBuild } from './build.ts';
import { firstDependency, unpackPackage } from './debian-package.ts';
import { hashFile } from '../host/hashing/hash-file.ts';
import { hashValue } from './hash.ts';
import { requireTools } from './host-tools.ts';
import type { HostTool } from './host-tools.ts';
import { KERNEL_FILE } from './image.ts';
import type { InstalledPackage } from './image.ts';
import { lostOptions } from './kernel-config.ts';
import { runTool } from './run-tool.ts';

const FRAGMENT = join(guestDirectory, 'kernel.config');

/**
 * Our kernel from Debian's source: one ELF file that QEMU (`microvm`, `pc`, `q35`) and Firecracker boot by
 * itself, without an initrd or modules. Building it takes a compiler and about ten minutes of one processor.
 */
export async function sourceKernel(): Promise<ImageBuild> {
  const inputs = hashValue(['source', process.arch, await hashFile(FRAGMENT)]);
  return { kind: 'kernel', inputs, run: build };
}

const NEEDED: readonly HostTool[] = [
  ...(['apt-get', 'apt-cache', 'dpkg-deb', 'tar', 'xz'] as const),
  ...(['make', 'gcc', 'flex', 'bison', 'bc', 'strip', 'stdio.h', 'libelf.h'] as const),
];

/** Lines of the compiler that are told on: about one in a hundred. */
const TOLD = 100;

async function build(context: BuildContext): Promise<BuiltFiles> {
  if (process.arch !== 'x64') {
    throw new SallyportError('MACHINE_UNSUPPORTED', `There is no kernel configuration for ${process.arch}.`, {
      hint: "Use Debian's kernel: sallyport images build kernel",
    });
  }
  await requireTools(NEEDED, 'Building a kernel');
  const { scratch, signal, onProgress } = context;
  const source = await unpackPackage(await firstDependency('linux-source', signal), context);
  const archives = join(source.directory, 'usr', 'src');
  const archive = (await readdir(archives)).find((name) => /^linux-source-.*\.tar\.xz$/.test(name));
  if (archive === undefined) {
    throw new SallyportError('MACHINE_IMAGE_FAILED', `${source.facts.name} ${source.facts.version} has no source.`);
  }
  onProgress('Unpacking the source.');
  await runTool({ file: 'tar', args: ['-xJf', join(archives, archive), '-C', scratch], signal });
  const cwd = join(scratch, archive.replace(/\.tar\.xz$/, ''));
  await copyFile(FRAGMENT, join(cwd, 'kernel', 'configs', 'sallyport.config'));
  let lines = 0;
  const make = (...targets: readonly string[]): Promise<readonly string[]> =>
    runTool({
      file: 'nice',
      args: ['-n', '19', 'make', `-j${availableParallelism()}`, ...REPRODUCIBLE, ...targets],
      cwd,
      signal,
      onLine: (line) => {
        lines += 1;
        if (lines % TOLD === 0) onProgress(`Compiling the kernel: ${line.trim()}`);
      },
    });
  await make('tinyconfig', 'sallyport.config');
  await checkConfig(join(cwd, '.config'), source.facts);
  await make('vmlinux');
  const kernel = join(scratch, KERNEL_FILE);
  await runTool({ file: 'strip', args: ['--strip-debug', '-o', kernel, join(cwd, 'vmlinux')], signal });
  return { files: { [KERNEL_FILE]: kernel }, programs: {}, packages: [source.facts] };
}

async function checkConfig(file: string, { name, version }: InstalledPackage): Promise<void> {
  const lost = lostOptions(await readFile(FRAGMENT, 'utf8'), await readFile(file, 'utf8'));
  if (lost.length === 0) return;
  throw new SallyportError('MACHINE_IMAGE_FAILED', `${name} ${version} does not take ${lost.join(', ')}.`, {
    hint: `Correct these lines of ${FRAGMENT}: an option may have another name in this release, or need another one.`,
  });
}

const REPRODUCIBLE = ['KBUILD_BUILD_USER=sallyport', 'KBUILD_BUILD_HOST=sallyport', 'KBUILD_BUILD_TIMESTAMP=@0'];
