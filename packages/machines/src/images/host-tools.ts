import { SallyportError } from '@sallyport/core';

import { findProgram, installCommand } from '../host-programs.ts';

/** Programs that build images, and the Debian package of each. */
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
} as const;

export type HostTool = keyof typeof packageOf;

/** Looks for each program, and says with one command how to get all that are missing. */
export async function requireTools(names: readonly HostTool[], what: string): Promise<void> {
  const paths = await Promise.all(names.map((name) => findProgram(name)));
  const missing = names.filter((_name, index) => paths[index] === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => packageOf[name]))];
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', `${what} needs ${missing.join(', ')}, not found on this host.`, {
    hint: `Run: ${installCommand(packages)}`,
  });
}
