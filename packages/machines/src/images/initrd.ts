import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { writeCpio } from './cpio.ts';
import type { ArchiveEntry } from './cpio.ts';

export interface InitrdOptions {
  /** A statically linked busybox. */
  readonly busybox: string;
  readonly init: string;
  /** Directory below which the kernel's modules lie. */
  readonly modules: string;
  /** Names of the modules to load; what they depend on comes along. */
  readonly wanted: readonly string[];
}

/** A small initrd: busybox, a short `init`, and the modules in the order in which they can be loaded. */
export async function makeInitrd({ busybox, init, modules, wanted }: InitrdOptions): Promise<Buffer> {
  const ordered = await orderModules(modules, wanted);
  const folder = (path: string): ArchiveEntry => ({ path: `${path}/`, mode: 0o755, content: Buffer.alloc(0) });
  return writeCpio([
    ...['bin', 'proc', 'sys', 'dev', 'root', 'modules'].map(folder),
    { path: 'bin/busybox', mode: 0o755, content: await readFile(busybox) },
    { path: 'init', mode: 0o755, content: await readFile(init) },
    ...ordered.map(({ name, content }) => ({ path: `modules/${name}.ko`, mode: 0o644, content })),
    {
      path: 'modules/order',
      mode: 0o644,
      content: Buffer.from(`${ordered.map(({ name }) => name).join('\n')}\n`),
    },
  ]);
}

interface Module {
  readonly name: string;
  readonly content: Buffer;
}

/** Each module says in `depends=` which ones have to be there first; depmod's files are not needed. */
async function orderModules(directory: string, wanted: readonly string[]): Promise<readonly Module[]> {
  const paths = new Map<string, string>();
  for (const path of await readdir(directory, { recursive: true })) {
    if (path.endsWith('.ko')) paths.set(moduleName(path), join(directory, path));
  }
  const ordered: Module[] = [];
  const seen = new Set<string>();
  const add = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const path = paths.get(name);
    if (path === undefined) {
      throw new SallyportError('MACHINE_IMAGE_FAILED', `The kernel package has no module ${name}.`, {
        hint: 'Its modules have changed; build the kernel from source, or use another release of Debian.',
      });
    }
    const content = await readFile(path);
    for (const needed of dependenciesOf(content)) await add(needed);
    ordered.push({ name, content });
  };
  for (const name of wanted) await add(name);
  return ordered;
}

function dependenciesOf(module: Buffer): readonly string[] {
  const start = module.indexOf('\0depends=');
  if (start < 0) return [];
  const from = start + '\0depends='.length;
  const list = module.toString('latin1', from, module.indexOf(0, from));
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}

/** `virtio-rng.ko` is the module `virtio_rng`. */
function moduleName(path: string): string {
  return basename(path, '.ko').replaceAll('-', '_');
}
