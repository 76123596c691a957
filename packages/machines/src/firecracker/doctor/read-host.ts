import { stat } from 'node:fs/promises';

import type { HostFiles } from '../../host/host-files.ts';
import { judgePageFaults } from './page-faults.ts';
import { judgeMicrocode } from './microcode.ts';
import { judgeTimerThreads, judgeWatchdog } from './stalls.ts';
import type { KernelThread } from './stalls.ts';
import type { Finding } from './verdict.ts';

export async function findMicrocode(files: HostFiles): Promise<Finding> {
  return judgeMicrocode({
    cpuinfo: await files.read('/proc/cpuinfo'),
    cmdline: await files.read('/proc/cmdline'),
    old: await files.read('/sys/devices/system/cpu/vulnerabilities/old_microcode'),
  });
}

export async function findPageFaults(files: HostFiles): Promise<Finding> {
  const device = await stat(files.locate('/dev/userfaultfd')).catch(() => undefined);
  return judgePageFaults({
    deviceMode: device?.mode,
    unprivileged: await files.read('/proc/sys/vm/unprivileged_userfaultfd'),
  });
}

export async function findWatchdog(files: HostFiles): Promise<Finding> {
  return judgeWatchdog({
    enabled: await files.read('/proc/sys/kernel/soft_watchdog'),
    threshold: await files.read('/proc/sys/kernel/watchdog_thresh'),
  });
}

export async function findTimerThreads(files: HostFiles): Promise<Finding> {
  const pids = (await files.list('/proc')).filter((name) => /^\d+$/.test(name));
  const threads = await Promise.all(pids.map((pid) => readThread(files, pid)));
  return judgeTimerThreads(threads, await files.read('/sys/module/kvm/parameters/min_timer_period_us'));
}

async function readThread(files: HostFiles, pid: string): Promise<KernelThread> {
  const name = (await files.read(`/proc/${pid}/comm`)) ?? '';
  const groups = name.startsWith('kvm-pit/') ? await files.read(`/proc/${pid}/cgroup`) : undefined;
  return { pid, name, groups: groups ?? '' };
}
