import type { Check } from '@sallyport/core/driver';

import { join } from 'node:path';

import { checkDamagedImages } from '../../images/doctor.ts';
import { createImageStore } from '../../images/store.ts';
import type { ImageStore } from '../../images/store.ts';
import { probeHostKvm } from '../../qemu/accelerator.ts';
import type { KvmVerdict } from '../../qemu/accelerator.ts';
import { findHugePages, findConsole, findKernel, findKvm } from './kernel.ts';
import { hostFiles } from '../../host/host-files.ts';
import { findControlGroups, findJailDirectory, findRoot } from './jails.ts';
import { findMemoryChecks, findPageMerging, findSwap, findThreads, findVulnerabilities } from './neighbours.ts';
import { findMicrocode, findPageFaults, findTimerThreads, findWatchdog } from './read-host.ts';
import { findFirecracker, findFirecrackerPrograms, findJailer } from './programs.ts';
import type { FirecrackerPrograms } from './programs.ts';
import { verdict } from './verdict.ts';
import type { Finding } from './verdict.ts';

export interface FirecrackerHost {
  /** Jails are made below it. */
  readonly dataDirectory: string;
  /** Default: what is installed. */
  readonly programs?: FirecrackerPrograms;
  /** A kernel of these is booted, to see whether guests run. Default: those in `images/` of the data directory. */
  readonly images?: ImageStore;
  /** Default: in QEMU, where it is installed. `undefined`: it was not tried. */
  readonly tryKvm?: () => Promise<KvmVerdict | undefined>;
  /** The directory that is `/`. Default: the host's own. */
  readonly root?: string;
  /** Default: the user this process runs as. */
  readonly user?: number;
}

/** What this host has, and what is missing, for machines in Firecracker, by Firecracker's own list; the network sees to itself. */
export async function checkFirecrackerHost(host: FirecrackerHost): Promise<readonly Check[]> {
  const files = hostFiles(host.root);
  const programs = host.programs ?? (await findFirecrackerPrograms());
  const findings: readonly (readonly [name: string, finding: Finding | Promise<Finding>])[] = [
    ['firecracker', findFirecracker(programs)],
    ['jailer', findJailer(programs)],
    ['root', findRoot(host.user ?? process.geteuid?.())],
    ['KVM', findKvm(files, host.tryKvm ?? (() => probeHostKvm(imagesOf(host))))],
    ['host kernel', findKernel(files)],
    ['control groups', findControlGroups(files)],
    ['jails', findJailDirectory(files, host.dataDirectory)],
    ['processor threads (SMT)', findThreads(files)],
    ['page merging (KSM)', findPageMerging(files)],
    ['processor vulnerabilities', findVulnerabilities(files)],
    ['microcode', findMicrocode(files)],
    ['swap', findSwap(files)],
    ['memory', findMemoryChecks(files)],
    ['KVM huge pages', findHugePages(files)],
    ['kernel messages', findConsole(files)],
    ['userfaultfd', findPageFaults(files)],
    ['soft lockup watchdog', findWatchdog(files)],
    ['timer threads (kvm-pit)', findTimerThreads(files)],
  ];
  const checks = await Promise.all(findings.map(async ([name, finding]) => verdict(name, await finding)));
  return [...checks, ...(await checkDamagedImages(imagesOf(host)))];
}

const imagesOf = ({ images, dataDirectory }: FirecrackerHost): ImageStore =>
  images ?? createImageStore({ directory: join(dataDirectory, 'images') });
