import type { NetworkAttachment } from '../network/machine-network.ts';

export interface KernelCommandLine {
  readonly machineId: string;
  readonly place: Pick<NetworkAttachment, 'address' | 'netmask' | 'gateway'>;
  /** How the machine is reset at its end: `t` by a triple fault, `k` by the keyboard controller. */
  readonly reboot: 't' | 'k';
}

/** What every kernel of ours is told. An engine may add others. No secrets: it is shown to every process. */
export function kernelCommandLine({ machineId, place, reboot }: KernelCommandLine): string {
  const { address, netmask, gateway } = place;
  return [
    // On a busy host an emulated timer fails the test of whether it is connected, and with it the boot: the guest waits for ever.
    `console=ttyS0 quiet no_timer_check reboot=${reboot} panic=-1 root=/dev/vda ro init=/etc/overlay-init`,
    // A machine's name may have 64 bytes, utsname(7).
    `ip=${address}::${gateway}:${netmask}:${machineId.slice(0, 64)}:eth0:off`,
  ].join(' ');
}
