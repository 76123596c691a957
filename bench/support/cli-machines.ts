import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { systemClock } from '@sallyport/core';
import { newBootToken, newMachineId } from '@sallyport/core/driver';
import type { Machine, StartOptions } from '@sallyport/core/driver';
import { createBridgeNetwork, createDirectEgress, createQemuDriver, requireImages } from '@sallyport/machines';
import type { NetworkAttachment } from '@sallyport/machines';

import { imageStore } from '../../e2e/support/images.ts';

/** CLI machines in QEMU, as the driver makes them, without a server. */
export interface CliMachines {
  readonly folder: string;
  /** A new machine, which does not run yet. */
  create(): Promise<Machine>;
  /** For one start or wake. */
  boot(): StartOptions;
  /** The files of a machine. */
  directory(machine: Machine): string;
  /** The process ID of its QEMU while it runs. */
  vmm(machine: Machine): Promise<number>;
  /** The place of a running machine, which stays when the machine ends, until all of this is closed. */
  keepPlace(machine: Machine): NetworkAttachment;
  close(): Promise<void>;
}

/** Emulated processors on a busy host. */
export const PATIENCE_MS = 400_000;
const MEMORY_MB = 384;
/** What QEMU takes beside the guest's memory: its own, and what it has translated of the guest's code. */
const OVERHEAD_MB = 140;

/** Needs root, and the images of CLI machines. */
export async function createCliMachines(): Promise<CliMachines> {
  await requireImages(imageStore, ['cli'], { signal: AbortSignal.timeout(PATIENCE_MS) });
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-bench-cli-')));
  await chmod(folder, 0o711);
  const dataDirectory = join(folder, 'data');
  const egress = createDirectEgress({ directory: join(folder, 'egress'), clock: systemClock });
  const route = await egress.reserve?.(newMachineId(), { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!route) throw new Error('The direct egress can be reserved.');
  const network = createBridgeNetwork({ dataDirectory, clock: systemClock, quarantineMs: 1000 });
  const places = new Map<string, NetworkAttachment>();
  const kept: NetworkAttachment[] = [];
  const driver = await createQemuDriver({
    dataDirectory,
    clock: systemClock,
    images: imageStore,
    templates: false,
    network: {
      ...network,
      attach: async (machineId, options) => {
        const place = await network.attach(machineId, options);
        places.set(machineId, place);
        return { ...place, detach: async () => (kept.includes(place) ? undefined : place.detach()) };
      },
    },
  });
  const directory = ({ id }: Machine): string => join(dataDirectory, 'qemu', id);
  let epoch = 0;
  return {
    folder,
    create: () =>
      driver.create(
        {
          machineId: newMachineId(),
          userId: 'bench',
          role: 'cli',
          memoryMb: MEMORY_MB,
          vcpus: 1,
          diskMb: 256,
          labels: {},
          agent: agentBundle(),
          clis: [],
        },
        { signal: AbortSignal.timeout(PATIENCE_MS) },
      ),
    boot: () => {
      epoch += 1;
      return { epoch, token: newBootToken(), egress: route, signal: AbortSignal.timeout(PATIENCE_MS) };
    },
    directory,
    vmm: async (machine) => {
      const record: { running?: { pid: number } } = JSON.parse(
        await readFile(join(directory(machine), 'machine.json'), 'utf8'),
      );
      if (!record.running) throw new Error(`Machine ${machine.id} does not run.`);
      return record.running.pid;
    },
    keepPlace: ({ id }) => {
      const place = places.get(id);
      if (!place) throw new Error(`Machine ${id} has no place on the network.`);
      kept.push(place);
      return place;
    },
    close: async () => {
      for (const ref of await driver.list()) await (await driver.adopt(ref))?.destroy();
      for (const place of kept) await place.detach();
      await driver.close();
      await route.close();
      await egress.close?.();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** How many CLI machines fit in the memory that is free now, at most `most`. A fifth stays free. */
export async function howManyFit(most: number): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8');
  const availableMb = Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1]) / 1024;
  return Math.min(most, Math.floor((availableMb * 0.8) / (MEMORY_MB + OVERHEAD_MB)));
}

/** Starts one after the other, so that none waits for a processor that others have. */
export async function startMachines(machines: CliMachines, count: number): Promise<readonly Machine[]> {
  const started: Machine[] = [];
  for (let at = 0; at < count; at += 1) {
    const machine = await machines.create();
    await machine.start(machines.boot());
    started.push(machine);
  }
  return started;
}

export async function hibernate(machine: Machine): Promise<void> {
  await machine.hibernate?.({ signal: AbortSignal.timeout(PATIENCE_MS) });
}

/** In milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
