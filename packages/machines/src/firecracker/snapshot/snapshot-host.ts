import { readFile } from 'node:fs/promises';
import { release } from 'node:os';

import { SallyportError } from '@sallyport/core';
import { execa } from 'execa';

import type { SnapshotHost } from './manifest.ts';

/** What of this host must not change between saving a machine and waking it. */
export async function describeSnapshotHost(firecracker: string): Promise<SnapshotHost> {
  const [version, snapshotFormat, cpu] = await Promise.all([
    ask(firecracker, '--version'),
    ask(firecracker, '--snapshot-version'),
    readProcessor(),
  ]);
  return { firecracker: version, snapshotFormat, kernel: release(), cpu };
}

/** Both print what was asked for on a separate line, and `--snapshot-version` may log around it. */
async function ask(program: string, word: string): Promise<string> {
  const result = await execa(program, [word], {
    env: {},
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
    timeout: 30_000,
  });
  const version = /\bv?(\d+\.\d+\.\d+\S*)/.exec(result.stdout)?.[1];
  if (version !== undefined) return version;
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', `${program} ${word} does not say a version.`, {
    hint: 'See what is missing on this host: sallyport doctor firecracker.',
  });
}

/** Model and features: a guest goes on with what it found out about its processor at its boot. */
async function readProcessor(): Promise<string> {
  const [first = ''] = (await readFile('/proc/cpuinfo', 'utf8')).split('\n\n');
  const wanted = /^(vendor_id|cpu family|model|stepping|flags)\s*:/;
  return first
    .split('\n')
    .filter((line) => wanted.test(line))
    .map((line) => line.replace(/^.*?:\s*/, ''))
    .join('/');
}
