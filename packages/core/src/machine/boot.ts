import type { AgentClient } from '../agent/client.ts';
import { clampMachinePlan, clampNetworkPlan } from '../clamp.ts';
import type { EgressOptions, EgressRoute, NetworkPlan } from '../egress/egress.ts';
import { SallyportError, toSallyportError } from '../errors.ts';
import type { Context } from '../hooks.ts';
import type { Runtime } from '../runtime.ts';
import { bringUp } from './bring-up.ts';
import type { BringUp } from './bring-up.ts';
import type { Machine } from './driver.ts';
import type { MachinePlan, MachineRole, MachineState, MachineView } from './plan.ts';

/** A machine that runs and whose agent answers. */
export interface RunningMachine {
  readonly id: string;
  readonly role: MachineRole;
  readonly machine: Machine;
  readonly agent: AgentClient;
  readonly route: EgressRoute;
  view(state: MachineState): MachineView;
}

/** What somebody needs a machine for. */
export interface MachineRequest {
  readonly machineId: string;
  readonly userId: string;
  readonly provider: string | undefined;
  readonly sessionId: string | undefined;
  readonly role: MachineRole;
  readonly memoryMb: number;
  readonly desktop: boolean;
  readonly clis: MachinePlan['clis'];
  /** Hosts the machine needs; the operator's additions are part of it already. */
  readonly hosts: readonly string[];
  readonly signal: AbortSignal;
}

export type BootRequest = MachineRequest & Pick<BringUp, 'existing' | 'wake' | 'beforeStart'>;

const DESKTOP = { width: 1280, height: 800 } as const;

/**
 * Plans, opens the way out, creates, starts, and waits for the agent. When any step fails, everything the
 * earlier ones made is undone, and the error names the step.
 */
export async function bootMachine(runtime: Runtime, request: BootRequest): Promise<RunningMachine> {
  const deadline = bootDeadline(runtime, request.role, request.signal);
  const { signal } = deadline;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    const context = contextOf(request, signal);
    const network = await planNetwork(runtime, request, context);
    const plan = await planMachine(runtime, request, context);
    const route = await runtime.egress.open(network, wayOutOptions(runtime, request, signal));
    undo.push(() => route.close());
    const epoch = await runtime.store.machines.nextEpoch(request.machineId);
    const { existing, wake, beforeStart } = request;
    const up = await bringUp(runtime, { plan, epoch, route, existing, wake, beforeStart, signal });
    undo.push(() => (existing ? up.machine.stop({ deadlineMs: 2_000 }) : up.machine.destroy()));
    return await introduce(runtime, { ...up, plan, route }, context);
  } catch (thrown) {
    for (const step of undo.toReversed()) await runtime.attempt('clearing away a machine that did not start', step);
    if (signal.aborted && SallyportError.isInstance(signal.reason)) throw signal.reason;
    throw toSallyportError(thrown, 'MACHINE_FAILED', `The ${request.role} machine could not be started.`);
  } finally {
    deadline.clear();
  }
}

/** Tells plugins and the store that a machine runs. */
export async function introduce(
  runtime: Runtime,
  { plan, machine, agent, route }: Omit<RunningMachine, 'id' | 'role' | 'view'> & { readonly plan: MachinePlan },
  context: Context,
): Promise<RunningMachine> {
  const { machineId, userId, role, labels } = plan;
  const driver = runtime.driver.name;
  const view = (state: MachineState): MachineView => ({ machineId, userId, role, driver, labels, state });
  await runtime.hooks.machineStarted(view('running'), context);
  await runtime.setMachineState(machineId, userId, role, 'running');
  return { id: machineId, role, machine, agent, route, view };
}

export function bootDeadline(runtime: Runtime, role: MachineRole, parent: AbortSignal) {
  const { bootTimeoutMs } = runtime.settings;
  const late = `The ${role} machine was not ready after ${bootTimeoutMs / 1000} s.`;
  return runtime.clock.deadline(bootTimeoutMs, () => new SallyportError('MACHINE_TIMED_OUT', late), parent);
}

export function contextOf({ userId, provider, sessionId }: MachineRequest, signal: AbortSignal): Context {
  return { userId, provider, sessionId, signal };
}

export function wayOutOptions(
  runtime: Runtime,
  { userId, machineId }: MachineRequest,
  signal: AbortSignal,
): EgressOptions {
  return { signal, onRefused: (host) => runtime.emit({ type: 'egress.refused', userId, machineId, host }) };
}

export async function planNetwork(runtime: Runtime, request: MachineRequest, context: Context): Promise<NetworkPlan> {
  const user = await runtime.store.users.get(request.userId);
  const plan: NetworkPlan = {
    machineId: request.machineId,
    userId: request.userId,
    purpose: request.role === 'browser' ? 'sign-in' : 'work',
    hosts: request.hosts,
    identity: {
      userId: request.userId,
      ...(user && { proxyPort: user.proxyPort }),
      ...(user?.fixedAddress && { address: user.fixedAddress }),
    },
  };
  return clampNetworkPlan(plan, await runtime.hooks.networkPlan(plan, context), runtime.settings.ceiling);
}

export async function planMachine(runtime: Runtime, request: MachineRequest, context: Context): Promise<MachinePlan> {
  const plan = plainPlan(runtime, request);
  return clampMachinePlan(plan, await runtime.hooks.machinePlan(plan, context), runtime.settings.ceiling);
}

/** The plan before any plugin has seen it. */
export function plainPlan(
  runtime: Runtime,
  request: Pick<MachineRequest, 'machineId' | 'userId' | 'role' | 'memoryMb' | 'desktop' | 'clis'>,
): MachinePlan {
  return {
    machineId: request.machineId,
    userId: request.userId,
    role: request.role,
    memoryMb: request.memoryMb,
    vcpus: 1,
    diskMb: 1024,
    labels: { 'sallyport.role': request.role, 'sallyport.user': request.userId },
    ...(request.desktop && { desktop: DESKTOP }),
    agent: runtime.agentBundle,
    clis: request.clis,
  };
}
