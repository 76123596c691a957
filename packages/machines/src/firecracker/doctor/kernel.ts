import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';

import { isKernelAtLeast } from '../../host/kernel-release.ts';
import { findKvmProblem } from '../../qemu/accelerator.ts';
import type { KvmVerdict } from '../../qemu/accelerator.ts';
import type { HostFiles } from '../../host/host-files.ts';
import type { Finding } from './verdict.ts';

/** Kernels that Firecracker 1.16 is tested on as a host. */
const TESTED = ['5.10', '6.1', '6.18'];
const OLDEST = [5, 10] as const;

/** An open device is not a guest that runs: nested virtualisation is known to have the one without the other. */
export async function findKvm(files: HostFiles, tryKvm: () => Promise<KvmVerdict | undefined>): Promise<Finding> {
  const device = files.locate('/dev/kvm');
  const info = await stat(device).catch(() => undefined);
  if (!info) {
    const has = /^flags\b.*\b(vmx|svm)\b/m.test((await files.read('/proc/cpuinfo')) ?? '');
    return {
      missing: has ? 'no /dev/kvm, though the processor could' : 'no /dev/kvm, and the processor shows no vmx or svm',
      fix: has
        ? 'sudo modprobe kvm_intel || sudo modprobe kvm_amd'
        : 'Use bare metal, or a host with nested virtualisation',
    };
  }
  if (
    !(await access(device, constants.R_OK | constants.W_OK).then(
      () => true,
      () => false,
    ))
  ) {
    return { missing: '/dev/kvm cannot be opened', fix: 'Run the server as root, as the jailer needs' };
  }
  const problem = await findKvmProblem(files);
  const verdict = problem === undefined ? await tryKvm() : undefined;
  const missing = problem ?? (verdict?.works === false ? verdict.found : undefined);
  if (missing !== undefined) {
    return { missing, fix: 'Use bare metal, or a host whose nested virtualisation runs guests' };
  }
  return (info.mode & 0o002) !== 0
    ? { degraded: 'every user of this host may write to /dev/kvm', fix: 'sudo chmod o-rw /dev/kvm' }
    : { ok: verdict?.found ?? '/dev/kvm opens; without QEMU and a kernel image no guest was tried' };
}

export async function findKernel(files: HostFiles): Promise<Finding> {
  const release = (await files.read('/proc/sys/kernel/osrelease')) ?? 'unknown';
  if (!isKernelAtLeast(release, OLDEST)) {
    return { missing: release, fix: `Install a kernel of ${TESTED.join(', ')}` };
  }
  return TESTED.includes(release.split('.', 2).join('.'))
    ? { ok: release }
    : { degraded: release, fix: `Firecracker is tested on ${TESTED.join(', ')}: prefer one of them` };
}

/** On 5.10 and later a mitigation that few processors need makes each start of a machine slow. */
export async function findHugePages(files: HostFiles): Promise<Finding> {
  const setting = await files.read('/sys/module/kvm/parameters/nx_huge_pages');
  const affected = await files.read('/sys/devices/system/cpu/vulnerabilities/itlb_multihit');
  const favoured = /\scgroup2\s\S*\bfavordynmods\b/.test((await files.read('/proc/mounts')) ?? '');
  return setting === undefined || setting === 'never' || affected !== 'Not affected' || favoured
    ? { ok: setting === undefined ? 'no such setting' : `nx_huge_pages=${setting}` }
    : {
        degraded: `nx_huge_pages=${setting}, which this processor does not need and which slows each start`,
        fix: 'Add kvm.nx_huge_pages=never to the kernel command line',
      };
}

/** What the kernel prints to a slow serial console holds up the process that causes it, and guests do. */
export async function findConsole(files: HostFiles): Promise<Finding> {
  const words = ((await files.read('/proc/cmdline')) ?? '').split(' ');
  const level = Number((await files.read('/proc/sys/kernel/printk'))?.split(/\s+/)[0] ?? 7);
  return level <= 1 || (words.includes('quiet') && words.includes('loglevel=1'))
    ? { ok: `console log level ${level}` }
    : { degraded: `console log level ${level}`, fix: 'Add "quiet loglevel=1" to the kernel command line' };
}
