import { access } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';

import { execa } from 'execa';

import { programPath } from '../host/programs.ts';
import { KERNEL_FILE } from '../images/image.ts';
import type { Image } from '../images/image.ts';
import type { Accelerator } from './hardware.ts';
import { isOwnKernel } from './images.ts';

/** Whether KVM works on this host, and how that was determined. */
export interface KvmVerdict {
  readonly works: boolean;
  readonly found: string;
}

export interface KvmProbe {
  readonly program: string;
  readonly kernel: Image;
  readonly signal: AbortSignal;
}

const KVM = '/dev/kvm';
const PROBE_MS = 20_000;

let verdict: Promise<KvmVerdict> | undefined;

/** Probed once per process: the result does not change while the host runs. */
export function probeKvm(probe: KvmProbe): Promise<KvmVerdict> {
  verdict ??= findOut(probe);
  return verdict;
}

async function findOut(probe: KvmProbe): Promise<KvmVerdict> {
  const problem = await access(KVM, constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? `${KVM} is absent` : `${KVM} may not be opened`),
  );
  if (problem !== undefined) return { works: false, found: problem };
  // On nested and containerized hosts the device may open although no guest ever runs.
  return (await bootsKernel(probe, 'kvm'))
    ? { works: true, found: 'a kernel booted with it' }
    : { works: false, found: `${KVM} is there, but no kernel boots with it` };
}

/** Boots a kernel without a root file system and checks that it prints anything before it panics. */
async function bootsKernel({ program, kernel, signal }: KvmProbe, accelerator: Accelerator): Promise<boolean> {
  const machine = isOwnKernel(kernel) ? 'microvm,acpi=off' : 'pc';
  const words = [
    ['-accel', accelerator, '-cpu', accelerator === 'kvm' ? 'host' : 'max', '-machine', machine, '-m', '128'],
    ['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
    ['-kernel', join(kernel.directory, KERNEL_FILE), '-append', 'console=ttyS0 reboot=t panic=-1'],
  ].flat();
  const { stdout } = await execa(program, words, {
    env: { PATH: programPath },
    extendEnv: false,
    cwd: '/',
    reject: false,
    stdin: 'ignore',
    timeout: PROBE_MS,
    forceKillAfterDelay: 1000,
    cancelSignal: signal,
    maxBuffer: 1024 * 1024,
  });
  signal.throwIfAborted();
  return /Linux version \d/.test(stdout);
}
