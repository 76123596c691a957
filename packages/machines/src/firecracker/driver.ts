import { mkdir, readdir, realpath } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import { createSerialQueue } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { Machine, MachineDriver, MachinePlan, MachineRef } from '@sallyport/core/driver';

import { createDisk } from '../disk/create-disk.ts';
import type { ImageStore } from '../images/store.ts';
import type { MachineNetwork } from '../network/machine-network.ts';
import { once } from '../host/once.ts';
import { isRunning } from '../host/process.ts';
import { readRecords } from '../host/record-file.ts';
import type { FoundRecords } from '../host/record-file.ts';
import { isMachineId } from '../process/layout.ts';
import { removeTree } from '../host/remove-tree.ts';
import { hasCode } from '../host/safe-directory.ts';
import { openSealKey } from '../host/seal.ts';
import { allotUser, releaseUser } from '../process/user-allotment.ts';
import { checkFirecrackerHost } from './doctor/check-firecracker-host.ts';
import { findFirecrackerPrograms } from './doctor/programs.ts';
import type { FirecrackerPrograms } from './doctor/programs.ts';
import { hostControlGroups } from './jailer/layout.ts';
import type { ControlGroups } from './jailer/layout.ts';
import { directoriesOf, machineFiles } from './machine/layout.ts';
import type { FirecrackerHostParts, InstalledPrograms } from './machine/layout.ts';
import { createFirecrackerMachine } from './machine/machine.ts';
import { reconcileHost, recoverMachine } from './machine/reconcile.ts';
import { readRecord, writeRecord } from './machine/record.ts';
import type { FirecrackerRecord } from './machine/record.ts';
import { defaultRateLimits } from './rate-limits.ts';
import type { RateLimits } from './rate-limits.ts';
import { openGenerations } from './snapshot/generations.ts';
import { describeSnapshotHost } from './snapshot/snapshot-host.ts';

export interface FirecrackerDriverOptions {
  /** Machines live in `firecracker/` and `jails/` below it. Root's alone, on one file system, with a short path. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Has to have TAP devices: `createBridgeNetwork`. */
  readonly network: MachineNetwork;
  /** Holds an image for each role, and a kernel that was built from source. */
  readonly images: ImageStore;
  /** What a machine may use of the host's disk and network. Default {@link defaultRateLimits}. */
  readonly limits?: RateLimits;
  /** Default: what is installed. */
  readonly programs?: FirecrackerPrograms;
  /** Default: those of this host. */
  readonly groups?: ControlGroups;
  /** Called between any two changes to this host, with what comes next. Default: nothing happens. */
  readonly onStep?: (step: string) => void;
}

export interface FirecrackerDriver extends MachineDriver {
  /**
   * Takes away what a server that died left: processes, jails, places on the network, users, half-made machines. What
   * this process runs, and what sleeps, is left alone. Returns what was taken away. Call it before the first machine.
   */
  reconcile(): Promise<readonly string[]>;
  /** Gives up what its machines share. None of them may run. */
  close(): Promise<void>;
}

/** Machines in Firecracker, each in a separate jail, user, control group and TAP device. For production. */
export async function createFirecrackerDriver(options: FirecrackerDriverOptions): Promise<FirecrackerDriver> {
  const host = await openHost(options);
  const { folders } = host;
  const live = new Map<string, Machine>();
  // What is put in order is not taken over, and not made, at the same time.
  const line = createSerialQueue();

  function take(record: FirecrackerRecord): Machine {
    const { machineId } = record.plan;
    const files = machineFiles(folders, machineId);
    const machine = createFirecrackerMachine({ host, files, record, onDestroyed: () => void live.delete(machineId) });
    live.set(machineId, machine);
    return machine;
  }

  async function create(plan: MachinePlan, signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted();
    const { machineId } = plan;
    if (!isMachineId(machineId)) throw new SallyportError('MACHINE_FAILED', `"${machineId}" is not a machine id.`);
    const known = live.get(machineId);
    if (known) return known;
    const { name: image } = await host.images.open(plan.image ?? plan.role, { signal });
    return line(async () => {
      const made = live.get(machineId);
      if (made) return made;
      const left = await readRecord(machineFiles(folders, machineId).record);
      return take(left ? await recoverMachine(host, { ...left, plan }) : await make(plan, image, signal));
    });
  }

  async function adopt(machineId: string): Promise<Machine | undefined> {
    const known = live.get(machineId);
    if (known || !isMachineId(machineId)) return known;
    const record = await readRecord(machineFiles(folders, machineId).record);
    return record && take(await recoverMachine(host, record));
  }

  const reconcile = (): Promise<readonly string[]> =>
    line(() => reconcileHost(host, (machineId) => live.has(machineId)));

  /** The record comes last: what has none is not whole. */
  async function make(plan: MachinePlan, image: string, signal: AbortSignal): Promise<FirecrackerRecord> {
    const files = machineFiles(folders, plan.machineId);
    await removeTree(files.root);
    host.reached('its directory');
    await mkdir(files.root, { mode: 0o700 });
    host.reached('its user');
    const uid = await allotUser(folders.machines, plan.machineId);
    try {
      host.reached('its disk');
      await createDisk(files.disk, { sizeMb: plan.diskMb, owner: uid, signal });
      signal.throwIfAborted();
      host.reached('its record');
      await writeRecord(files.record, { plan, uid, image });
      // `sallyport images prune` keeps what a record names; it may have removed the image before there was this one.
      await host.images.open(image, { signal });
      return { plan, uid, image };
    } catch (error) {
      await removeTree(files.root);
      await releaseUser(folders.machines, uid, plan.machineId);
      throw error;
    }
  }

  async function records(): Promise<FoundRecords<FirecrackerRecord>> {
    const names = await readdir(folders.machines);
    return readRecords(names.filter(isMachineId), (name) => readRecord(machineFiles(folders, name).record));
  }

  async function describe({ plan, running, asleep }: FirecrackerRecord): Promise<MachineRef> {
    const { machineId, role } = plan;
    const runs = running?.process !== undefined && (await isRunning(running.process));
    const { snapshots } = machineFiles(folders, machineId);
    const hibernated =
      !runs &&
      asleep !== undefined &&
      (await openGenerations(snapshots).read(asleep.generation, await host.snapshotKey())) !== undefined;
    return { machineId, role, running: runs, ...(hibernated && { hibernated }) };
  }

  return {
    name: 'firecracker',
    features: {
      desktop: true,
      loopback: 'forwarded',
      hibernate: true,
      isolation:
        'Machines are Firecracker virtual machines, each with its own kernel, user, jail and control group; ' +
        host.network.isolation,
    },
    create: (plan, { signal }) => create(plan, signal),
    list: async () => Promise.all((await records()).intact.map(describe)),
    adopt: ({ machineId }) => line(() => adopt(machineId)),
    doctor: async () => {
      const programs = options.programs ?? (await findFirecrackerPrograms());
      const { dataDirectory } = options;
      return [
        ...(await checkFirecrackerHost({ dataDirectory, programs, images: options.images })),
        ...(await host.network.doctor()),
        ...(await records()).damaged,
      ];
    },
    close: () => host.network.close(),
    // Its own records say which machines there are.
    reconcile,
  };
}

async function openHost(options: FirecrackerDriverOptions): Promise<FirecrackerHostParts> {
  const { clock, network, images } = options;
  await mkdir(options.dataDirectory, { recursive: true });
  // A jail is known by the path that the kernel knows.
  const folders = directoriesOf(await realpath(options.dataDirectory));
  await mkdir(folders.machines, { recursive: true, mode: 0o700 });
  await mkdir(folders.jails, { recursive: true, mode: 0o755 });
  const programs = once(() => requirePrograms(options.programs));
  return {
    folders,
    clock,
    network,
    images,
    limits: options.limits ?? defaultRateLimits,
    groups: options.groups ?? hostControlGroups,
    programs,
    snapshotKey: once(() => openSealKey(folders.snapshotKey)),
    snapshotHost: once(async () => describeSnapshotHost((await programs()).firecracker)),
    reached: (step) => options.onStep?.(step),
  };
}

/** The paths that the jailer knows them by: it names a jail after the program that a link leads to. */
async function requirePrograms(given?: FirecrackerPrograms): Promise<InstalledPrograms> {
  const { firecracker, jailer } = given ?? (await findFirecrackerPrograms());
  try {
    if (firecracker !== undefined && jailer !== undefined) {
      return { firecracker: await realpath(firecracker), jailer: await realpath(jailer) };
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', 'Firecracker and its jailer are not both installed.', {
    hint: 'See what is missing on this host: sallyport doctor firecracker.',
  });
}
