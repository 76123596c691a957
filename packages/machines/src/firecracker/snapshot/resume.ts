import { SallyportError } from '@sallyport/core';
import type { Clock, Secret } from '@sallyport/core';

import { orKill } from '../boot.ts';
import type { RunningVmm } from '../boot.ts';
import { jail, limitSequence, NETWORK_ID, outputSequence } from '../boot-sequence.ts';
import type { FirecrackerResources } from '../boot-sequence.ts';
import { defaultRateLimits } from '../rate-limits.ts';
import { patch, put } from '../request.ts';
import { returnMemory } from './balloon.ts';
import { findConfigProblem } from './config-guard.ts';
import { jailedPaths, snapshotPaths } from './generations.ts';
import type { Generations } from './generations.ts';
import { findMismatch } from './manifest.ts';
import type { ImageHashes, SnapshotHost, SnapshotManifest } from './manifest.ts';

export interface ResumeParts {
  readonly machineId: string;
  readonly memoryMb: number;
  readonly clock: Clock;
  readonly host: SnapshotHost;
  readonly key: Secret;
  readonly directory: string;
  readonly generations: Generations;
  readonly disk: string;
  readonly agentDrive: string;
  /** Of the images it is given now. */
  readonly sources: ImageHashes;
  readonly resources: FirecrackerResources;
  /** The caller's record says that this generation is being woken. */
  recordResuming(generation: number): Promise<void>;
  /** A new process in a new jail: one that failed to load has ended itself. */
  startVmm(signal: AbortSignal): Promise<RunningVmm>;
  /** Tells the agent the time, fresh randomness and its new token, before anything else runs. */
  woke(running: RunningVmm, signal: AbortSignal): Promise<void>;
}

/** `cold`: nothing runs, and the machine has to be booted from its disk; this snapshot is of no more use. */
export type Resumed =
  | { readonly kind: 'running'; readonly running: RunningVmm; readonly generation: number }
  | { readonly kind: 'cold'; readonly reason: string };

/** Wakes a generation, once. Rejects where the signal says so or nothing could be recorded; then nothing runs. */
export async function resumeVmm(parts: ResumeParts, generation: number, signal: AbortSignal): Promise<Resumed> {
  const { generations, clock } = parts;
  const manifest = await generations.read(generation, parts.key);
  const problem = await findSnapshotProblem(parts, generation, manifest);
  signal.throwIfAborted();
  if (problem !== undefined || !manifest) {
    // What does not fit today may fit tomorrow, when the machine has long gone on from its disk.
    await generations.consume(generation).catch(() => {});
    return { kind: 'cold', reason: `Snapshot ${generation} cannot be used: ${problem}.` };
  }
  await parts.recordResuming(generation);
  try {
    await generations.consume(generation);
    const running = await parts.startVmm(signal);
    await orKill(running, clock, signal, (alive) => load(parts, running, manifest, alive));
    return { kind: 'running', running, generation };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'cold', reason: error instanceof Error ? error.message : String(error) };
  }
}

async function findSnapshotProblem(
  parts: ResumeParts,
  generation: number,
  manifest: SnapshotManifest | undefined,
): Promise<string | undefined> {
  if (!manifest) {
    return 'it is absent, was woken before, or was not made by this server';
  }
  const { state, memory } = snapshotPaths(parts.directory, generation, true);
  return findMismatch(manifest, parts, { state, memory, disk: parts.disk, agentDrive: parts.agentDrive });
}

async function load(
  parts: ResumeParts,
  running: RunningVmm,
  { generation, clockRealtime }: SnapshotManifest,
  signal: AbortSignal,
): Promise<void> {
  const { resources, memoryMb } = parts;
  const { api } = running;
  const paths = jailedPaths(generation, true);
  for (const request of outputSequence()) {
    await api.send(request, signal);
  }
  await api.send(
    {
      ...put('/snapshot/load', {
        snapshot_path: paths.state,
        mem_backend: { backend_type: 'File', backend_path: paths.memory },
        resume_vm: false,
        track_dirty_pages: false,
        // Without it the agent alone sets the clock, as it does in any case.
        ...(clockRealtime === true && { clock_realtime: true }),
        network_overrides: [{ iface_id: NETWORK_ID, host_dev_name: resources.tap }],
        vsock_override: { uds_path: jail.vsock },
      }),
      movesMemoryMb: memoryMb,
    },
    signal,
  );
  const problem = findConfigProblem(await api.send({ method: 'GET', path: '/vm/config' }, signal), resources.tap);
  if (problem !== undefined) {
    throw new SallyportError('MACHINE_FAILED', `The loaded machine is not the one that was saved: ${problem}.`);
  }
  for (const request of limitSequence(resources.limits ?? defaultRateLimits)) {
    await api.send(request, signal);
  }
  await api.send(patch('/vm', { state: 'Resumed' }), signal);
  await api.send(returnMemory(), signal);
  await parts.woke(running, signal);
}
