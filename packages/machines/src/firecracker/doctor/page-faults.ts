import type { Finding } from './verdict.ts';

export interface PageFaultFacts {
  /** Permission bits of `/dev/userfaultfd`. Absent: there is no such device. */
  readonly deviceMode: number | undefined;
  /** `/proc/sys/vm/unprivileged_userfaultfd`. Absent: the kernel has no such system call. */
  readonly unprivileged: string | undefined;
}

/**
 * Snapshots are loaded from files, so nothing here needs userfaultfd. Who handles page faults of the kernel can stop it
 * at a point of their choice, which makes many of its bugs usable.
 */
export function judgePageFaults({ deviceMode, unprivileged }: PageFaultFacts): Finding {
  if (unprivileged !== undefined && unprivileged !== '0') {
    return {
      degraded: 'every user of this host may handle page faults of the kernel',
      fix: 'sudo sysctl vm.unprivileged_userfaultfd=0, and write it to /etc/sysctl.d',
    };
  }
  if (deviceMode !== undefined && (deviceMode & 0o006) !== 0) {
    return { degraded: 'every user of this host may open /dev/userfaultfd', fix: 'sudo chmod o-rw /dev/userfaultfd' };
  }
  const found = deviceMode !== undefined || unprivileged !== undefined;
  return { ok: `${found ? 'for root alone' : 'not in this kernel'}; snapshots are loaded from files without it` };
}
