import { constants } from 'node:fs';
import { access } from 'node:fs/promises';

import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { hostFiles } from '../host/host-files.ts';
import type { HostFiles } from '../host/host-files.ts';
import { findProgram } from '../host/programs.ts';
import { kernelVariant } from '../images/image.ts';
import type { Image } from '../images/image.ts';
import type { ImageStore } from '../images/store.ts';
import { bootsKernel } from './boots-kernel.ts';
import { KVM_PROCESSORS } from './hardware.ts';
import type { KvmProcessor } from './hardware.ts';

export const QEMU = 'qemu-system-x86_64';

/** Whether KVM works on this host, and how that was determined. */
export type KvmVerdict =
  | { readonly works: true; readonly found: string; readonly processor: KvmProcessor }
  | { readonly works: false; readonly found: string };

export interface KvmProbe {
  readonly program: string;
  readonly kernel: Image;
  readonly signal: AbortSignal;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: those of this host. */
  readonly files?: HostFiles;
}

const KVM = '/dev/kvm';
/** KVM without the processor's help: it emulates a guest's kernel one instruction after the other. */
const PVM = '/sys/module/kvm_pvm';

let verdict: Promise<KvmVerdict> | undefined;

/** Probed once per process: the result does not change while the host runs. */
export function probeKvm(probe: KvmProbe): Promise<KvmVerdict> {
  verdict ??= tryKvm(probe);
  return verdict;
}

/** The same with what this host has. `undefined`: QEMU or a kernel image is missing, so nothing was tried. */
export async function probeHostKvm(images: ImageStore): Promise<KvmVerdict | undefined> {
  const program = await findProgram(QEMU);
  const { signal } = new AbortController();
  const kernel = await images.open('kernel', { signal }).catch(() => undefined);
  if (program === undefined || !kernel) return undefined;
  const found = await probeKvm({ program, kernel, signal });
  return kernelVariant(kernel) === 'source' ? found : { ...found, found: `${found.found} (with Debian's kernel)` };
}

/** What says that no guest runs here, without an attempt to run one. */
export async function findKvmProblem(files: HostFiles): Promise<string | undefined> {
  const problem = await access(files.locate(KVM), constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? `${KVM} is absent` : `${KVM} may not be opened`),
  );
  if (problem !== undefined) return problem;
  const isPvm = await access(files.locate(PVM)).then(
    () => true,
    () => false,
  );
  return isPvm ? `${KVM} is there, but its kvm_pvm runs no guest` : undefined;
}

/** Exported for its test: {@link probeKvm} remembers what it found. */
export async function tryKvm({ files = hostFiles(), clock = systemClock, ...probe }: KvmProbe): Promise<KvmVerdict> {
  const problem = await findKvmProblem(files);
  if (problem !== undefined) return { works: false, found: problem };
  // On nested and containerized hosts the device may open although no guest ever runs.
  for (const processor of KVM_PROCESSORS) {
    if (await bootsKernel({ ...probe, clock, processor })) {
      return { works: true, found: 'a kernel booted with it', processor };
    }
  }
  return { works: false, found: `${KVM} is there, but no kernel boots with it` };
}
