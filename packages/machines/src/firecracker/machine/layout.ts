import { join } from 'node:path';

import type { Clock, Secret } from '@sallyport/core';

import type { ImageStore } from '../../images/store.ts';
import type { MachineNetwork } from '../../network/machine-network.ts';
import type { ControlGroups } from '../jailer/layout.ts';
import type { RateLimits } from '../rate-limits.ts';
import type { SnapshotHost } from '../snapshot/manifest.ts';

/** What all machines of one driver share. */
export interface FirecrackerHostParts {
  readonly folders: FirecrackerDirectories;
  readonly clock: Clock;
  readonly network: MachineNetwork;
  readonly images: ImageStore;
  readonly limits: RateLimits;
  readonly groups: ControlGroups;
  /** Rejects if one of them is missing on this host. */
  readonly programs: () => Promise<InstalledPrograms>;
  /** Signs snapshots, so that none but ours are ever loaded. */
  readonly snapshotKey: () => Promise<Secret>;
  readonly snapshotHost: () => Promise<SnapshotHost>;
  /** Passed between any two changes to this host: where a test ends the server. */
  readonly reached: (step: string) => void;
}

export interface InstalledPrograms {
  readonly firecracker: string;
  readonly jailer: string;
}

/** Where a driver's things are below the data directory. */
export interface FirecrackerDirectories {
  /** A directory for each machine. */
  readonly machines: string;
  /** Given to the jailer. Short, because sockets lie deep below it. */
  readonly jails: string;
  readonly snapshotKey: string;
}

export function directoriesOf(dataDirectory: string): FirecrackerDirectories {
  const machines = join(dataDirectory, 'firecracker');
  return { machines, jails: join(dataDirectory, 'jails'), snapshotKey: join(machines, 'snapshot-key') };
}

/** Where one machine's things are while it has no jail. What lies here is its own user's or root's to read, never to move. */
export interface MachineFiles {
  readonly root: string;
  readonly record: string;
  readonly disk: string;
  readonly agentDrive: string;
  readonly snapshots: string;
}

export function machineFiles({ machines }: FirecrackerDirectories, machineId: string): MachineFiles {
  const root = join(machines, machineId);
  return {
    root,
    record: join(root, 'machine.json'),
    disk: join(root, 'own.ext4'),
    agentDrive: join(root, 'agent.ext4'),
    snapshots: join(root, 'snap'),
  };
}

/** A jail's id is new for each boot, and says whose it is. */
export const jailId = (machineId: string, boot: string): string => `${machineId}-${boot}`;

/** The machine that a jail was made for; `undefined` where it is none of ours. */
export const machineOfJail = (id: string): string | undefined => /^(m-[a-z0-9-]{1,54})-[0-9a-f]{8}$/.exec(id)?.[1];
