import type { MachinePlan } from '@sallyport/core/driver';

import { checkResourceId, checkTapName } from './names.ts';
import { defaultRateLimits } from './rate-limits.ts';
import type { RateLimits } from './rate-limits.ts';
import { patch, put } from './request.ts';
import type { FirecrackerRequest } from './request.ts';

/** What the plan leaves open: where things lie inside the jail, and the machine's place in the network. */
export interface FirecrackerResources {
  /** The TAP device in the machine's network namespace. */
  readonly tap: string;
  readonly address: string;
  /** The one address that its port of the network takes frames from. */
  readonly mac: string;
  readonly gateway: string;
  readonly netmask: string;
  /** Default {@link defaultRateLimits}. */
  readonly limits?: RateLimits;
}

/** Paths as Firecracker sees them after the jailer has changed its root. */
export const jail = {
  kernel: '/vmlinux',
  base: '/base.ext4',
  own: '/own.ext4',
  agent: '/agent.ext4',
  log: '/firecracker.log',
  serial: '/serial.out',
  vsock: '/v.sock',
  snapshots: '/snap',
} as const;

export const NETWORK_ID = 'eth0';

/** Every process first gets this; a snapshot does not hold it. Nobody reads metrics, so none are asked for. */
export function outputSequence(): readonly FirecrackerRequest[] {
  return [put('/logger', { log_path: jail.log, level: 'Warning', show_level: true, show_log_origin: false })];
}

/**
 * The whole boot, in order. Firecracker logs bodies, so none may hold a secret: the agent's token is on the agent
 * drive. It adds `root=/dev/vda ro` and `pci=off` to the command line itself.
 */
export function bootSequence(plan: MachinePlan, resources: FirecrackerResources): readonly FirecrackerRequest[] {
  const { limits = defaultRateLimits } = resources;
  checkTapName(resources.tap);
  return [
    ...outputSequence(),
    put('/serial', { serial_out_path: jail.serial, rate_limiter: limits.serial }),
    put('/machine-config', {
      vcpu_count: plan.vcpus,
      mem_size_mib: plan.memoryMb,
      smt: false,
      track_dirty_pages: false,
    }),
    put('/boot-source', { kernel_image_path: jail.kernel, boot_args: bootArguments(plan, resources) }),
    ...driveSequence(plan, limits),
    put(`/network-interfaces/${NETWORK_ID}`, {
      iface_id: NETWORK_ID,
      guest_mac: resources.mac,
      host_dev_name: resources.tap,
      rx_rate_limiter: limits.receive,
      tx_rate_limiter: limits.transmit,
    }),
    put('/vsock', { guest_cid: 3, uds_path: jail.vsock }),
    put('/entropy', { rate_limiter: limits.entropy }),
    put('/balloon', {
      amount_mib: 0,
      deflate_on_oom: true,
      stats_polling_interval_s: 5,
      free_page_reporting: false,
    }),
    put('/actions', { action_type: 'InstanceStart' }),
  ];
}

/** Limits come back with a snapshot as they were; these make them what they are now. */
export function limitSequence(limits: RateLimits): readonly FirecrackerRequest[] {
  return [
    patch(`/network-interfaces/${NETWORK_ID}`, {
      iface_id: NETWORK_ID,
      rx_rate_limiter: limits.receive,
      tx_rate_limiter: limits.transmit,
    }),
    ...drives.map(({ id }) => patch(`/drives/${id}`, { drive_id: id, rate_limiter: limits.disk })),
  ];
}

/** In the order of the guest's /dev/vda, vdb and vdc. */
export const drives = [
  { id: 'base', path: jail.base, root: true, readOnly: true },
  { id: 'own', path: jail.own, root: false, readOnly: false },
  { id: 'agent', path: jail.agent, root: false, readOnly: true },
] as const;

function driveSequence(plan: MachinePlan, limits: RateLimits): readonly FirecrackerRequest[] {
  return drives.map(({ id, path, root, readOnly }) => {
    checkResourceId(id);
    return put(`/drives/${id}`, {
      drive_id: id,
      path_on_host: path,
      is_root_device: root,
      is_read_only: readOnly,
      // Only what has to outlive the machine is worth a flush: without this the guest's `sync` reaches nothing.
      ...(!readOnly && plan.role === 'cli' && { cache_type: 'Writeback' }),
      io_engine: 'Sync',
      rate_limiter: limits.disk,
    });
  });
}

function bootArguments(plan: MachinePlan, { address, gateway, netmask }: FirecrackerResources): string {
  return [
    // What a guest says while it cannot boot is worth its cost; how much of it there is, is bounded on the host's side.
    // x86 machines end by `reboot` alone, and only through the keyboard controller.
    'console=ttyS0 quiet reboot=k panic=1 nomodule i8042.noaux i8042.nomux i8042.dumbkbd',
    'swiotlb=noforce clocksource=kvm-clock random.trust_cpu=on',
    `init=/etc/overlay-init ip=${address}::${gateway}:${netmask}:${plan.machineId}:${NETWORK_ID}:off`,
  ].join(' ');
}
