import { randomBytes } from 'node:crypto';

import { SallyportError } from '@sallyport/core';
import type { StartOptions } from '@sallyport/core/driver';

import { waitForAgent } from '../../guest/wait-for-agent.ts';
import { bootSequence } from '../boot-sequence.ts';
import { bootVmm } from '../boot.ts';
import type { RunningVmm } from '../boot.ts';
import { startJailed } from '../jailer/start.ts';
import { resumeVmm } from '../snapshot/resume.ts';
import { withGuestPort } from './guest-channel.ts';
import { prepareLaunch } from './launch.ts';
import type { Launch } from './launch.ts';
import { jailId } from './layout.ts';
import type { FirecrackerHostParts } from './layout.ts';
import { toStartError } from './start-error.ts';
import type { MachineState } from './state.ts';
import { stopMachine, tidyUp } from './stop-machine.ts';

/**
 * One attempt to have it run, from its disk or from a snapshot. Where that fails nothing of it runs, and the snapshot is
 * used up.
 */
export async function startMachine(
  state: MachineState,
  options: StartOptions,
  from: number | undefined,
): Promise<void> {
  const { id, host, files } = state;
  const abort = new AbortController();
  const signal = AbortSignal.any([options.signal, abort.signal]);
  state.exited = Promise.withResolvers();
  const done = Promise.withResolvers<void>();
  state.starting = { abort, done: done.promise };
  const doing = { step: 'its beginning' };
  const reached = (step: string): void => {
    doing.step = step;
    host.reached(step);
  };
  const noted = { ...host, reached };
  try {
    signal.throwIfAborted();
    await state.note({ plan: options.plan ?? state.record.plan });
    const request = { host: noted, files, record: state.record, options, ...(from !== undefined && { from }) };
    const launch = await prepareLaunch(request, signal);
    const { newAgentDrive: agentDrive } = launch;
    if (agentDrive !== undefined) await state.note({ agentDrive });
    const startVmm = (alive: AbortSignal) => startInJail(state, { launch, options, from, host: noted }, alive);
    const ready = (alive: AbortSignal) => waitForAnswer(state, options, alive);
    const way = { launch, startVmm, ready };
    await (from === undefined ? boot(state, way, signal) : resume(state, way, from, signal));
  } catch (error) {
    const said = state.current?.jailed.outputs.console() ?? '';
    await stopMachine(state);
    signal.throwIfAborted();
    throw toStartError(id, doing.step, error, said);
  } finally {
    state.starting = undefined;
    done.resolve();
  }
}

interface Way {
  readonly launch: Launch;
  readonly startVmm: (signal: AbortSignal) => Promise<RunningVmm>;
  readonly ready: (alive: AbortSignal) => Promise<void>;
}

async function boot(
  { host, record }: MachineState,
  { launch, startVmm, ready }: Way,
  signal: AbortSignal,
): Promise<void> {
  const requests = bootSequence(record.plan, launch.resources);
  await bootVmm({ clock: host.clock, requests, startVmm, ready: (_, alive) => ready(alive) }, signal);
}

async function resume(
  state: MachineState,
  { launch, startVmm, ready }: Way,
  from: number,
  signal: AbortSignal,
): Promise<void> {
  const { id, host, files, record } = state;
  const { place, boot: bootConfig, resources, generations, sources } = launch;
  const resumed = await resumeVmm(
    {
      machineId: id,
      memoryMb: record.plan.memoryMb,
      clock: host.clock,
      host: await host.snapshotHost(),
      key: await host.snapshotKey(),
      directory: files.snapshots,
      generations,
      disk: files.disk,
      agentDrive: files.agentDrive,
      sources,
      resources,
      recordResuming: () => state.note({}, 'asleep'),
      startVmm,
      woke: async (_, alive) => {
        if (!state.current) return;
        const wake = { machineId: id, place, boot: bootConfig };
        const channel = state.channel(state.current.jailed);
        await withGuestPort(channel, alive, (port) => port.wake(wake, { signal: alive }));
        await ready(alive);
      },
    },
    from,
    signal,
  );
  if (resumed.kind === 'cold') throw new SallyportError('MACHINE_FAILED', resumed.reason);
}

async function waitForAnswer(state: MachineState, { token }: StartOptions, alive: AbortSignal): Promise<void> {
  const { clock, reached } = state.host;
  reached('the answer of its agent');
  const place = {
    connect: (port: number, { signal }: { readonly signal: AbortSignal }) => state.connect(port, signal),
  };
  await waitForAgent({ place, process: { exited: state.exited.promise }, token, clock, signal: alive });
}

interface JailRequest {
  readonly launch: Launch;
  readonly options: StartOptions;
  readonly from: number | undefined;
  readonly host: FirecrackerHostParts;
}

async function startInJail(
  state: MachineState,
  { launch, options, from, host }: JailRequest,
  signal: AbortSignal,
): Promise<RunningVmm> {
  const { reached, programs, folders, clock, limits, groups } = host;
  const jail = jailId(state.id, randomBytes(4).toString('hex'));
  await state.note({ running: { jail } });
  reached('its jail');
  const { plan, uid } = state.record;
  const machine = { id: jail, ...(await programs()), baseDirectory: folders.jails, user: uid, plan };
  const jailed = await startJailed(
    {
      machine: { ...machine, namespace: launch.namespace },
      files: launch.files,
      clock,
      token: options.token,
      limits,
      groups,
      watch: new AbortController().signal,
    },
    signal,
  );
  reached('the note of its process');
  state.current = { jailed, launch, from, over: tidyUp(state, jailed) };
  await state.note({ running: { jail, process: jailed.process } });
  const send: RunningVmm['api']['send'] = (request, alive) => {
    reached(`${request.method} ${request.path}`);
    return jailed.api.send(request, alive);
  };
  return { vmm: jailed.vmm, api: { ...jailed.api, send } };
}
