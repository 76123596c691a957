import type { Finding } from './verdict.ts';

export interface WatchdogTexts {
  /** `/proc/sys/kernel/soft_watchdog`. Absent: the kernel was built without it. */
  readonly enabled: string | undefined;
  /** `/proc/sys/kernel/watchdog_thresh`, seconds. */
  readonly threshold: string | undefined;
}

/** A processor that a guest keeps inside the kernel is lost to all other machines; the kernel can say so. */
export function judgeWatchdog({ enabled, threshold }: WatchdogTexts): Finding {
  if (enabled === undefined) {
    return {
      degraded: 'this kernel has none: a processor that hangs in it goes unnoticed',
      fix: 'Prefer a kernel with CONFIG_SOFTLOCKUP_DETECTOR, which those of distributions have',
    };
  }
  const seconds = Number(threshold ?? 0) * 2;
  return enabled === '0' || seconds === 0
    ? {
        degraded: 'off: a processor that hangs in the kernel goes unnoticed',
        fix: 'sudo sysctl kernel.soft_watchdog=1 kernel.watchdog_thresh=10, and alert on "soft lockup" in the kernel log',
      }
    : { ok: `on: after ${seconds} s the kernel logs "soft lockup"` };
}

/** A thread of the kernel, as `/proc/<pid>` tells of it. */
export interface KernelThread {
  readonly pid: string;
  readonly name: string;
  /** The text of `/proc/<pid>/cgroup`. */
  readonly groups: string;
}

/**
 * KVM has a thread for the timer (PIT) of each machine of x86. It starts outside the machine's control group, so what a
 * guest makes it do does not count against `cpu.max`.
 */
export function judgeTimerThreads(threads: readonly KernelThread[], leastPeriod: string | undefined): Finding {
  const pits = threads.filter(({ name }) => name.startsWith('kvm-pit/'));
  const outside = pits.filter(({ groups }) => /^0::\/$/m.test(groups));
  if (outside.length > 0) {
    return {
      degraded: `${outside.length} outside the control group of their machine (pid ${outside.map(({ pid }) => pid).join(', ')})`,
      fix:
        'Write each pid to cgroup.procs of the group of the process in its name (kvm-pit/<process>), ' +
        'or limit how often all of them run with the option min_timer_period_us of the module kvm',
    };
  }
  if (pits.length > 0) return { ok: `${pits.length} in control groups` };
  return { ok: leastPeriod === undefined ? 'none' : `none now; timers of guests fire every ${leastPeriod} µs at most` };
}
