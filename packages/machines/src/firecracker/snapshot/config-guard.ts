import { drives, jail, NETWORK_ID } from '../boot-sequence.ts';

/**
 * Compares what Firecracker says it has loaded with what a machine of ours has. A snapshot can name any file and any
 * network device of the jail; nothing runs before this has agreed.
 */
export function findConfigProblem(config: unknown, tap: string): string | undefined {
  if (typeof config !== 'object' || config === null || !('drives' in config) || !('network-interfaces' in config)) {
    return 'its configuration cannot be read';
  }
  const wantedDrives = drives.map(({ id, path, readOnly }) => `${id} ${path} ${readOnly}`);
  const foundDrives = list(config.drives).map(
    (drive) => `${text(drive, 'drive_id')} ${text(drive, 'path_on_host')} ${text(drive, 'is_read_only')}`,
  );
  if (wantedDrives.toSorted().join() !== foundDrives.toSorted().join()) {
    return 'its drives are others';
  }
  const foundNetworks = list(config['network-interfaces']).map(
    (network) => `${text(network, 'iface_id')} ${text(network, 'host_dev_name')}`,
  );
  if (foundNetworks.join() !== `${NETWORK_ID} ${tap}`) {
    return 'its network interfaces are others';
  }
  if (text(Reflect.get(config, 'vsock'), 'uds_path') !== jail.vsock) {
    return 'its vsock is another';
  }
  const extra = ['pmem', 'memory-hotplug', 'mmds-config'].find((name) => isThere(Reflect.get(config, name)));
  return extra && `it has ${extra}`;
}

/** Firecracker writes a device that is absent as null, or as a list of none. */
function isThere(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null;
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function text(value: unknown, name: string): string {
  return typeof value === 'object' && value !== null ? String(Reflect.get(value, name)) : '';
}
