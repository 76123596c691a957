import { access } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';

import { findProgram, installCommand } from '../host/programs.ts';

/** Programs that build images, and headers that a program built on the way needs, with the Debian package of each. */
const packageOf = {
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  newuidmap: 'uidmap',
  'apt-get': 'apt',
  'apt-cache': 'apt',
  'dpkg-deb': 'dpkg',
  make: 'make',
  gcc: 'gcc',
  flex: 'flex',
  bison: 'bison',
  bc: 'bc',
  strip: 'binutils',
  tar: 'tar',
  xz: 'xz-utils',
  'stdio.h': 'libc6-dev',
  'libelf.h': 'libelf-dev',
} as const;

export type HostTool = keyof typeof packageOf;

/** Looks for each program, and says with one command how to get all that are missing. */
export async function requireTools(names: readonly HostTool[], what: string): Promise<void> {
  const found = await Promise.all(names.map((name) => (name.endsWith('.h') ? hasHeader(name) : findProgram(name))));
  const missing = names.filter((_name, index) => found[index] === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => packageOf[name]))];
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', `${what} needs ${missing.join(', ')}, not found on this host.`, {
    hint: `Run: ${installCommand(packages)}`,
  });
}

async function hasHeader(name: string): Promise<string | undefined> {
  const path = `/usr/include/${name}`;
  return access(path).then(
    () => path,
    () => undefined,
  );
}
