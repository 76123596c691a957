import { SallyportError } from '@sallyport/core';

import type { JailedVmm } from '../jailer/start.ts';
import { hibernateVmm } from '../snapshot/hibernate.ts';
import { hasRealtimeClock } from '../snapshot/realtime-clock.ts';
import { stopVmm } from '../stop.ts';
import { withGuestPort } from './guest-channel.ts';
import { hashAgent } from './plan-change.ts';
import { clearRemains } from './remains.ts';
import type { Current, MachineState } from './state.ts';

/** Ends what runs and gives up what it had, but for its disk. */
export async function stopMachine(state: MachineState, deadlineMs = 0): Promise<void> {
  const { id, host, files } = state;
  if (state.current) {
    const { jailed, over } = state.current;
    const reboot = (signal: AbortSignal) =>
      withGuestPort(state.channel(jailed), signal, (port) => port.stop({ signal }));
    await stopVmm({ vmm: jailed.vmm, api: jailed.api, clock: host.clock, reboot }, deadlineMs);
    await over;
  }
  if (state.record.running ?? state.record.asleep) {
    // First: from here on nobody wakes it.
    await state.note({}, 'asleep');
    host.reached('the end of its snapshot');
    await clearRemains(host, files, id, state.record.running);
    await state.note({}, 'running');
  }
  // A start that failed before it had a jail.
  else if (state.starting) await clearRemains(host, files, id);
}

/** Calls a start off that is under way, and waits until it has cleared up behind itself. */
export async function interrupt({ id, starting }: MachineState, what: string): Promise<void> {
  starting?.abort.abort(new SallyportError('MACHINE_FAILED', `Machine ${id} was ${what} while it started.`));
  await starting?.done;
}

/** Whatever made it end. What cannot be taken away now stays in the record, for the next who tries. */
export async function tidyUp(state: MachineState, jailed: JailedVmm): Promise<void> {
  const { id, host, files, exited } = state;
  const exit = await jailed.vmm.exited;
  const console = jailed.outputs.console();
  try {
    host.reached('the end of its jail');
    await jailed.remove();
    if (state.record.asleep === undefined) await clearRemains(host, files, id);
    await state.note({}, 'running');
  } catch {
    // Its directory may be gone: destroyed meanwhile.
  }
  state.current = undefined;
  exited.resolve({ ...exit, console });
}

/** Keeps its memory as a snapshot; it ends then. */
export async function hibernate(
  state: MachineState,
  { jailed, launch, from }: Current,
  signal: AbortSignal,
): Promise<void> {
  const { id, host, files } = state;
  const { plan, agentDrive = '' } = state.record;
  const { generation, generations, sources } = launch;
  const step = (name: string): void => host.reached(name);
  await hibernateVmm(
    {
      machineId: id,
      memoryMb: plan.memoryMb,
      vmm: jailed.vmm,
      api: { ...jailed.api, send: (request, alive) => (step(request.path), jailed.api.send(request, alive)) },
      clock: host.clock,
      host: await host.snapshotHost(),
      key: await host.snapshotKey(),
      directory: files.snapshots,
      generations,
      generation,
      disk: files.disk,
      sources: { ...sources, agentDrive },
      takeMb: Math.floor(plan.memoryMb / 2),
      ...(from !== undefined && { wokenFrom: from }),
      hasRealtimeClock: () => hasRealtimeClock(),
      prepareSleep: async (alive) => {
        step('the sleep of its agent');
        await withGuestPort(state.channel(jailed), alive, (port) => port.sleep({ signal: alive }));
      },
      recordHibernated: async () => {
        step('the note of its snapshot');
        await state.note({ asleep: { generation, agent: await hashAgent(plan) } });
        step('its end after the snapshot');
      },
      // The caller has it stopped now; its agent sleeps.
      answers: async () => false,
    },
    signal,
  );
}
