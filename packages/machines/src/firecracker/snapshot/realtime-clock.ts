import { isKernelAtLeast } from '../../host/kernel-release.ts';
import { hostFiles } from '../../host/host-files.ts';
import type { HostFiles } from '../../host/host-files.ts';

/** KVM_CLOCK_REALTIME (Linux, Documentation/virt/kvm/api.rst, KVM_GET_CLOCK). */
const FIRST_KERNEL = [5, 16] as const;
const CLOCK_SOURCE = '/sys/devices/system/clocksource/clocksource0/current_clocksource';

/**
 * Whether a snapshot made now says at what time of day it was made, which is what a guest's clock is moved forward by
 * when it is loaded. Firecracker refuses to load with `clock_realtime` where it does not. Asked for each snapshot: a
 * kernel that finds its TSC unstable changes to another clock source while it runs.
 */
export async function hasRealtimeClock(
  files: HostFiles = hostFiles(),
  architecture: string = process.arch,
): Promise<boolean> {
  const release = (await files.read('/proc/sys/kernel/osrelease')) ?? '';
  return architecture === 'x64' && isKernelAtLeast(release, FIRST_KERNEL) && (await files.read(CLOCK_SOURCE)) === 'tsc';
}
