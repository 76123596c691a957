import { describe, expect, it } from 'vitest';

import { findConfigProblem } from './config-guard.ts';

/** What Firecracker 1.16.1 says of a machine of ours: what is absent is null, or a list of none. */
const config = {
  balloon: { amount_mib: 0, deflate_on_oom: true, stats_polling_interval_s: 5 },
  drives: [
    { drive_id: 'base', path_on_host: '/base.ext4', is_root_device: true, is_read_only: true },
    { drive_id: 'own', path_on_host: '/own.ext4', is_root_device: false, is_read_only: false },
    { drive_id: 'agent', path_on_host: '/agent.ext4', is_root_device: false, is_read_only: true },
  ],
  'boot-source': { kernel_image_path: '', initrd_path: null, boot_args: null },
  'cpu-config': null,
  logger: null,
  'machine-config': { vcpu_count: 1, mem_size_mib: 384 },
  metrics: null,
  'mmds-config': null,
  'network-interfaces': [{ iface_id: 'eth0', host_dev_name: 'tap0' }],
  vsock: { guest_cid: 3, uds_path: '/v.sock' },
  entropy: { rate_limiter: null },
  pmem: [],
  'memory-hotplug': null,
};

describe('what Firecracker says it has loaded', () => {
  it('is taken where it is what a machine of ours has', () => {
    expect(findConfigProblem(config, 'tap0')).toBeUndefined();
  });

  it.each([
    ['its network interfaces are others', { 'network-interfaces': [] }],
    ['its drives are others', { drives: [] }],
    ['its vsock is another', { vsock: { guest_cid: 3, uds_path: '/run/fc.sock' } }],
    ['its vsock is another', { vsock: null }],
    ['it has pmem', { pmem: [{ id: 'more', path_on_host: '/own.ext4' }] }],
    ['it has memory-hotplug', { 'memory-hotplug': { total_size_mib: 1024, block_size_mib: 2, slot_size_mib: 128 } }],
    ['it has mmds-config', { 'mmds-config': { version: 'V2', network_interfaces: ['eth0'] } }],
    ['its configuration cannot be read', { drives: undefined, 'network-interfaces': undefined }],
  ])('is refused where %s: %j', (problem, change) => {
    // As it would come: without what is undefined.
    expect(findConfigProblem(JSON.parse(JSON.stringify({ ...config, ...change })), 'tap0')).toBe(problem);
  });
});
