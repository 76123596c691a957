import { execa } from 'execa';

import { SallyportError } from '@sallyport/core';

import { findProgram, installCommand, programPath } from '../host/programs.ts';

/** Runs a program of e2fsprogs on a file that no guest has ever had. */
export async function runOnOwnFile(
  program: 'mke2fs' | 'debugfs',
  args: readonly string[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const path = await findProgram(program);
  if (path === undefined) {
    throw new SallyportError('CONFIG_HOST_UNSUITABLE', `Disks of machines need ${program}, not found on this host.`, {
      hint: `Run: ${installCommand(['e2fsprogs'])}`,
    });
  }
  const result = await execa(path, args, {
    cwd: '/',
    env: { PATH: programPath, LC_ALL: 'C' },
    extendEnv: false,
    stdin: 'ignore',
    ...(signal && { cancelSignal: signal }),
    reject: false,
  });
  signal?.throwIfAborted();
  if (result.failed) {
    throw new SallyportError(
      'MACHINE_FAILED',
      `${program} could not make a disk: ${result.stderr || result.shortMessage}`,
    );
  }
}
