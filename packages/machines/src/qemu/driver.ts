import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { DriverFeatures, Machine, MachineDriver, MachinePlan, MachineRef } from '@sallyport/core/driver';

import { findProgram, installCommand } from '../host/programs.ts';
import { createImageStore } from '../images/store.ts';
import type { ImageStore } from '../images/store.ts';
import type { MachineNetwork } from '../network/machine-network.ts';
import { once } from '../host/once.ts';
import { isRunning } from '../host/process.ts';
import { readRecords } from '../host/record-file.ts';
import type { FoundRecords } from '../host/record-file.ts';
import { openSealKey } from '../host/seal.ts';
import { isMachineId } from '../process/layout.ts';
import { removeUnrecordedMachines } from '../process/unrecorded-machines.ts';
import { releaseUser } from '../process/user-allotment.ts';
import { probeKvm, QEMU } from './accelerator.ts';
import { checkQemuHost } from './doctor.ts';
import type { Acceleration, Accelerator } from './hardware.ts';
import { findIngredients } from './ingredients.ts';
import { layDown } from './lay-down.ts';
import { qemuDirectory, qemuLayout } from './layout.ts';
import type { QemuLayout } from './layout.ts';
import { createQemuMachine } from './machine.ts';
import { readQemuRecord } from './machine-record.ts';
import type { QemuRecord } from './machine-record.ts';
import type { QemuMachineParts } from './parts.ts';
import { openSnapshotDirectory } from './snapshot/snapshot-directory.ts';
import { openShelf } from './template/shelf.ts';
import { createTemplates } from './template/templates.ts';
import { createWorkshop } from './template/workshop.ts';
import { createWiring } from './wiring.ts';

export interface QemuDriverOptions {
  /** Machines live in `qemu/` below it. One server at a time uses a data directory. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Ends with the driver: the driver closes it. */
  readonly network: MachineNetwork;
  /** Default: those in `images/` of the data directory. */
  readonly images?: ImageStore;
  /** Default `auto`: KVM if a guest actually runs with it, otherwise TCG, which emulates the processor. */
  readonly accelerator?: Accelerator | 'auto';
  /**
   * Whether browser machines resume from the memory of a prebooted template in `qemu-templates/` of the data directory.
   * Default `true`.
   */
  readonly templates?: boolean;
  /** Receives errors of background work. */
  readonly log?: (message: string) => void;
}

export interface QemuDriver extends MachineDriver {
  /**
   * Removes partially created machines of a crashed server and network resources without a running machine. Returns what
   * it removed. Keeps running machines, which callers can list. Call it at startup.
   */
  reconcile(): Promise<readonly string[]>;
  /** Cancels template creation and releases the network. No machine may be running. */
  close(): Promise<void>;
}

/** Creates the driver that runs machines as QEMU virtual machines. */
export async function createQemuDriver(options: QemuDriverOptions): Promise<QemuDriver> {
  const { clock, network, accelerator = 'auto', log = () => {} } = options;
  // Machine users can traverse it but not list it.
  await mkdir(qemuDirectory(options.dataDirectory), { recursive: true, mode: 0o711 });
  const dataDirectory = await realpath(options.dataDirectory);
  const directory = qemuDirectory(dataDirectory);
  const images = options.images ?? createImageStore({ directory: join(dataDirectory, 'images') });
  const program = await findProgram(QEMU);
  const snapshotKey = once(() => openSealKey(join(directory, 'snapshot-key')));
  const wiring = createWiring(network);
  const live = new Map<string, Machine>();
  /** Machines that have a directory or a user but no record yet. */
  const making = new Set<string>();
  const workshop = createWorkshop({ shelf: openShelf(dataDirectory), directory, images, partsOf, clock });
  const usesTemplates = options.templates ?? true;
  const templates =
    program === undefined || !usesTemplates
      ? undefined
      : createTemplates({
          workshop,
          snapshotKey,
          program,
          clock,
          log,
          findIngredients: (record, signal) =>
            findIngredients({ images, acceleration: chooseAcceleration }, record, signal),
        });

  async function chooseAcceleration(): Promise<Acceleration> {
    if (accelerator !== 'auto') return { accelerator };
    const { signal } = new AbortController();
    const kernel = await images.open('kernel', { signal });
    const verdict = await probeKvm({ program: requireProgram(program), kernel, signal, clock });
    return verdict.works ? { accelerator: 'kvm', processor: verdict.processor } : { accelerator: 'tcg' };
  }

  function partsOf({ plan: { machineId }, uid }: QemuRecord, layout: QemuLayout): QemuMachineParts {
    const owner = uid ?? process.geteuid?.() ?? 0;
    return {
      program: requireProgram(program),
      layout,
      sockets: { machineId, run: layout.run, owner, clock },
      snapshot: openSnapshotDirectory(layout.snapshot, machineId, snapshotKey),
      wiring,
      images,
      acceleration: chooseAcceleration,
      clock,
    };
  }

  function take(record: QemuRecord, { isNew = false } = {}): Machine {
    const { machineId } = record.plan;
    const { uid } = record;
    const parts = {
      ...partsOf(record, qemuLayout(dataDirectory, machineId)),
      ...(templates && { templates }),
    };
    const onDestroyed = async (): Promise<void> => {
      live.delete(machineId);
      if (uid !== undefined) await releaseUser(directory, uid, machineId);
    };
    const machine = createQemuMachine({ parts, record, isNew, onDestroyed });
    live.set(machineId, machine);
    return machine;
  }

  async function create(plan: MachinePlan, signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted();
    const { machineId } = plan;
    if (!isMachineId(machineId)) throw new SallyportError('MACHINE_FAILED', `"${machineId}" is not a machine id.`);
    const known = live.get(machineId) ?? (await adopt(machineId));
    if (known) return known;
    requireProgram(program);
    const image = await images.open(plan.image ?? plan.role, { signal });
    making.add(machineId);
    try {
      const layout = qemuLayout(dataDirectory, machineId);
      return take(await layDown({ plan, image: image.name, images, layout, directory, signal }), { isNew: true });
    } finally {
      making.delete(machineId);
    }
  }

  async function drainTemplates(): Promise<readonly string[]> {
    if (!templates) return usesTemplates ? [] : workshop.clearAll();
    const { signal } = new AbortController();
    const image = (await images.list()).find(({ kind }) => kind === 'browser');
    const kernel = image && (await images.open('kernel', { signal }).catch(() => undefined));
    return kernel ? templates.drain({ kernel: kernel.name, image: image.name }) : [];
  }

  async function adopt(machineId: string): Promise<Machine | undefined> {
    const known = live.get(machineId);
    if (known || !isMachineId(machineId)) return known;
    const layout = qemuLayout(dataDirectory, machineId);
    const record = await readQemuRecord(layout.record);
    return record && take(record);
  }

  async function records(): Promise<FoundRecords<QemuRecord>> {
    const names = await readdir(directory);
    return readRecords(names.filter(isMachineId), (name) => readQemuRecord(qemuLayout(dataDirectory, name).record));
  }

  async function describe({ plan: { machineId, role }, running }: QemuRecord): Promise<MachineRef> {
    const runs = running !== undefined && (await isRunning(running));
    const { snapshot } = qemuLayout(dataDirectory, machineId);
    const hibernated = !runs && (await openSnapshotDirectory(snapshot, machineId, snapshotKey).exists());
    return { machineId, role, running: runs, ...(hibernated && { hibernated }) };
  }

  async function reconcile(): Promise<readonly string[]> {
    for (const { plan, running } of (await records()).intact) {
      if (running && (await isRunning(running))) wiring.keep(plan.machineId);
    }
    const removed = [...(await workshop.clear()), ...(await drainTemplates())];
    const unrecorded = await removeUnrecordedMachines({
      machines: directory,
      users: directory,
      layoutOf: (machineId) => qemuLayout(dataDirectory, machineId),
      isBusy: (machineId) => live.has(machineId) || making.has(machineId) || workshop.making().has(machineId),
    });
    return [...removed, ...unrecorded, ...(await wiring.reconcile())];
  }

  return {
    name: 'qemu',
    features: await describeFeatures(images, network),
    create: (plan, { signal }) => create(plan, signal),
    list: async () => Promise.all((await records()).intact.map(describe)),
    adopt: ({ machineId }) => adopt(machineId),
    doctor: async () => [...(await checkQemuHost(images)), ...(await network.doctor()), ...(await records()).damaged],
    reconcile,
    ...(templates && { lendSpareRoom: templates.lendSpareRoom }),
    close: async () => {
      await templates?.close();
      await network.close();
    },
  };
}

async function describeFeatures(images: ImageStore, network: MachineNetwork): Promise<DriverFeatures> {
  const desktop = (await images.list()).some(({ kind }) => kind === 'browser');
  return {
    desktop,
    ...(!desktop && { desktopHint: 'For the sign-in desktop build its image: sallyport images build browser' }),
    loopback: 'forwarded',
    hibernate: true,
    isolation: `Machines are QEMU virtual machines, each as its own user; ${network.isolation}.`,
  };
}

function requireProgram(program: string | undefined): string {
  if (program !== undefined) return program;
  throw new SallyportError('CONFIG_HOST_UNSUITABLE', `${QEMU} was not found.`, {
    hint: installCommand(['qemu-system-x86']),
  });
}
