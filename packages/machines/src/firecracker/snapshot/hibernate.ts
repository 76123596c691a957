import { SallyportError } from '@sallyport/core';
import type { Clock, Secret } from '@sallyport/core';

import { digHoles } from '../../disk/dig-holes.ts';
import type { ApiClient } from '../api-client.ts';
import { patch, put } from '../request.ts';
import { killVmm } from '../stop.ts';
import type { VmmProcess } from '../vmm-process.ts';
import { returnMemory, takeMemory } from './balloon.ts';
import { flushFile, jailedPaths, snapshotPaths } from './generations.ts';
import type { Generations } from './generations.ts';
import { digestFiles } from './manifest.ts';
import type { SnapshotHost, SnapshotSources } from './manifest.ts';

export interface HibernateParts {
  readonly machineId: string;
  readonly memoryMb: number;
  readonly vmm: VmmProcess;
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly host: SnapshotHost;
  readonly key: Secret;
  /** Directory of the generations on the host, and what keeps them. */
  readonly directory: string;
  readonly generations: Generations;
  /** The one to write, begun before the machine started: its jail has the two files already. */
  readonly generation: number;
  /** The machine's own disk. */
  readonly disk: string;
  /** What it reads besides. */
  readonly sources: SnapshotSources;
  /** How much memory to ask the guest for before it is saved. Default none. */
  readonly takeMb?: number;
  /** The generation this machine was woken from; absent after a cold boot. */
  readonly wokenFrom?: number;
  /** Whether a snapshot made now has the time of day in its state. */
  hasRealtimeClock(): Promise<boolean>;
  /** The agent writes out what it holds, and stops what talks to the network. */
  prepareSleep(signal: AbortSignal): Promise<void>;
  /** The caller's record says from now on that the machine sleeps. */
  recordHibernated(generation: number): Promise<void>;
  /** Whether the guest still answers. */
  answers(signal: AbortSignal): Promise<boolean>;
}

/** A resumed machine's agent answers at once or, having lost its channel, never. */
const RESUME_WITHIN_MS = 10_000;

/**
 * Writes the machine's memory to its next generation, whose number it returns, and ends it. Up to the rename a failure
 * leaves the machine running as it was; where its channel did not survive that (Firecracker up to 1.16.1 loses it), it
 * is ended, and its next start is from the disk. From the rename on it is ended whatever happens.
 */
export async function hibernateVmm(parts: HibernateParts, signal: AbortSignal): Promise<number> {
  const { api, generations, generation } = parts;
  refuseOverwrite(generation, parts.wokenFrom);
  await parts.prepareSleep(signal);
  try {
    if (parts.takeMb !== undefined) {
      await takeMemory(api, parts.takeMb, parts.clock, signal);
    }
    await api.send(patch('/vm', { state: 'Paused' }), signal);
    await save(parts, generation, signal);
  } catch (error) {
    await goOn(parts, generation);
    throw error;
  }
  try {
    await parts.recordHibernated(generation);
  } finally {
    // A machine that went on would use the refresh token that its snapshot holds as well.
    await killVmm(parts.vmm, parts.clock);
  }
  // Nothing maps the older files any more.
  await generations.prune(generation);
  return generation;
}

async function save(parts: HibernateParts, generation: number, signal: AbortSignal): Promise<void> {
  const { api, machineId, memoryMb, host, key, directory, disk, sources, generations } = parts;
  const inJail = jailedPaths(generation, false);
  await api.send(
    {
      ...put('/snapshot/create', {
        snapshot_type: 'Full',
        snapshot_path: inJail.state,
        mem_file_path: inJail.memory,
      }),
      movesMemoryMb: memoryMb,
    },
    signal,
  );
  const clockRealtime = await parts.hasRealtimeClock();
  const { state, memory } = snapshotPaths(directory, generation, false);
  // Firecracker writes all of the memory, zeros of what the balloon took included.
  await digHoles(memory, signal);
  await flushFile(disk);
  const digests = await digestFiles({ state, memory, disk });
  signal.throwIfAborted();
  await generations.commit({ machineId, generation, memoryMb, host, sources, clockRealtime, digests }, key);
}

/** The memory file of a woken machine is mapped: to write to it is to write into the running guest. */
function refuseOverwrite(generation: number, wokenFrom: number | undefined): void {
  if (wokenFrom !== undefined && generation <= wokenFrom) {
    throw new SallyportError(
      'MACHINE_FAILED',
      `Snapshot ${generation} cannot be written: the machine runs from snapshot ${wokenFrom}.`,
    );
  }
}

async function goOn(parts: HibernateParts, generation: number): Promise<void> {
  if (!(await runsAgain(parts))) {
    await killVmm(parts.vmm, parts.clock);
  }
  await parts.generations.abandon(generation);
}

/** Not bound to the caller's signal: a caller who gave up still wants a machine that runs or one that does not. */
async function runsAgain(parts: HibernateParts): Promise<boolean> {
  const { api, clock } = parts;
  using deadline = clock.deadline(
    RESUME_WITHIN_MS,
    () => new SallyportError('MACHINE_TIMED_OUT', 'The machine stayed paused.'),
  );
  try {
    await api.send(patch('/vm', { state: 'Resumed' }), deadline.signal);
    if (parts.takeMb !== undefined) {
      await api.send(returnMemory(), deadline.signal);
    }
    return await parts.answers(deadline.signal);
  } catch {
    return false;
  }
}
