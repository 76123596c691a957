import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { contextOf, introduce, planMachine, planNetwork, egressOptions } from '../machine/provision-machine.ts';
import type { MachineRequest, RunningMachine } from '../machine/provision-machine.ts';
import { inPhase } from '../machine/boot-phases.ts';
import type { MachinePlan } from '../contracts/plan.ts';
import type { WarmMachine } from './warm-pool.ts';

/** It answered when it was made; an answer that takes longer now would not be a head start. */
const ANSWER_MS = 1_000;

/**
 * Makes a machine that belonged to nobody one user's. Plugins are asked as for any other; where they want another
 * machine, or this one has stopped answering, it is removed and the answer is `undefined`: start one then. When a
 * plugin or the egress refuses, nothing is left of it.
 */
export async function assignWarmMachine(
  runtime: Runtime,
  warm: WarmMachine,
  request: MachineRequest,
): Promise<RunningMachine | undefined> {
  const { signal } = request;
  const began = runtime.clock.monotonic();
  try {
    const context = contextOf(request, signal);
    const network = await planNetwork(runtime, request, context);
    const plan = await planMachine(runtime, request, context);
    if (!isSameMachine(plan, warm.plan) || !(await answers(runtime, warm, signal))) {
      await warm.discard();
      return undefined;
    }
    const route = await inPhase(runtime, { phase: 'create', role: request.role, signal }, (until) =>
      warm.route.assign(network, egressOptions(runtime, request, until)),
    );
    const { machine, agent } = warm;
    return await introduce(runtime, { plan, machine, agent, route }, context, { how: 'warm', began });
  } catch (thrown) {
    await warm.discard();
    if (signal.aborted && SallyportError.isInstance(signal.reason)) throw signal.reason;
    throw toSallyportError(thrown, 'MACHINE_FAILED', `The ${request.role} machine could not be started.`);
  }
}

/** What cannot be changed any more once a machine runs. Which CLIs it has was looked at when it was taken. */
function isSameMachine(wanted: MachinePlan, made: MachinePlan): boolean {
  return (
    wanted.memoryMb === made.memoryMb &&
    wanted.vcpus === made.vcpus &&
    wanted.diskMb === made.diskMb &&
    wanted.image === made.image &&
    wanted.desktop?.width === made.desktop?.width &&
    wanted.desktop?.height === made.desktop?.height
  );
}

async function answers(runtime: Runtime, { agent }: WarmMachine, parent: AbortSignal): Promise<boolean> {
  using soon = runtime.clock.deadline(ANSWER_MS, () => new Error('The machine does not answer.'), parent);
  return agent.health(soon.signal).then(
    () => true,
    () => false,
  );
}
