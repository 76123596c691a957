import type { Check } from '@sallyport/core/driver';

import { findProgram, installCommand } from '../host/programs.ts';
import { runBounded } from './run-bounded.ts';
import { diskSandbox } from './sandbox.ts';
import type { ProbedSandbox } from '../host/probed-sandbox.ts';

/** e2fsck of earlier versions does not know all that {@link import('./superblock.ts').FEATURES} names. */
const OLDEST = [1, 43] as const;

const PROGRAMS = ['mke2fs', 'debugfs', 'e2fsck'] as const;

/** What this host has, and what is missing, to read and write the disks of virtual machines. */
export async function checkDiskHost(): Promise<readonly Check[]> {
  return [await checkE2fsprogs(), checkSandbox(await diskSandbox())];
}

async function checkE2fsprogs(): Promise<Check> {
  const name = 'e2fsprogs';
  const paths = await Promise.all(PROGRAMS.map(findProgram));
  const missing = PROGRAMS.filter((_program, index) => paths[index] === undefined);
  const fix = installCommand(['e2fsprogs']);
  if (missing.length > 0) return { name, state: 'missing', found: `without ${missing.join(', ')}`, fix };
  const { stderr } = await runBounded({ command: ['mke2fs', '-V'], timeoutMs: 10_000, maxOutput: 10_000 });
  return judgeVersion(stderr);
}

/** What `mke2fs -V` prints. */
export function judgeVersion(printed: string): Check {
  const name = 'e2fsprogs';
  const [, major = '0', minor = '0'] = /^mke2fs (\d+)\.(\d+)/m.exec(printed) ?? [];
  const [oldestMajor, oldestMinor] = OLDEST;
  const isNewEnough = Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
  const found = printed.split('\n', 1)[0]?.replace('mke2fs', 'version') || 'a version that it does not tell';
  return isNewEnough
    ? { name, state: 'ok', found }
    : { name, state: 'missing', found, fix: `Install e2fsprogs ${OLDEST.join('.')} or newer` };
}

/** Without it the tools still run as a user without rights and within limits. */
export function checkSandbox({ bubblewrap, reason }: ProbedSandbox): Check {
  const name = 'bubblewrap for disks';
  if (bubblewrap !== undefined) return { name, state: 'ok', found: bubblewrap };
  const fix =
    reason === 'it is not installed'
      ? installCommand(['bubblewrap'])
      : 'Allow unprivileged user namespaces: sudo sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0';
  const found = `${reason ?? 'not there'}: what reads a machine's disk sees the files of this host that others may read`;
  return { name, state: 'degraded', found, fix };
}
