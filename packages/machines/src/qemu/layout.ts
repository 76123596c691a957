import { join } from 'node:path';

/** Where a machine's things are on this host: `<data directory>/qemu/<machine id>/`, which only the server may change. */
export interface QemuLayout {
  readonly root: string;
  /** What the next server must know. */
  readonly record: string;
  /** The machine's own disk. */
  readonly disk: string;
  /** The agent and its boot configuration, valid for one boot. */
  readonly agentDrive: string;
  /** QEMU's directory, with its sockets. QEMU's user can write only here. */
  readonly run: string;
  /** Memory of a hibernating machine. */
  readonly snapshot: string;
}

export function qemuDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'qemu');
}

export function qemuLayout(dataDirectory: string, machineId: string): QemuLayout {
  return layoutIn(join(qemuDirectory(dataDirectory), machineId));
}

/** The same in any directory. */
export function layoutIn(root: string): QemuLayout {
  return {
    root,
    record: join(root, 'machine.json'),
    disk: join(root, 'disk.ext4'),
    agentDrive: join(root, 'agent.ext4'),
    run: join(root, 'run'),
    snapshot: join(root, 'snapshot'),
  };
}

/** Sockets in QEMU's directory. It is the directory QEMU runs in: a path may be longer than an address of a socket (unix(7)). */
export const sockets = { monitor: 'monitor.sock', guestPort: 'port.sock', state: 'state.sock' } as const;
