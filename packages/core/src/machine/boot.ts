import { randomBytes } from 'node:crypto';

import type { AgentClient } from '../agent/client.ts';
import { clampMachinePlan, clampNetworkPlan } from '../clamp.ts';
import type { EgressRoute, NetworkPlan } from '../egress/egress.ts';
import { SallyportError, toSallyportError } from '../errors.ts';
import type { Context } from '../hooks.ts';
import type { Runtime } from '../runtime.ts';
import { Secret } from '../secret.ts';
import type { Machine, MachineExit } from './driver.ts';
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

export interface BootRequest {
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
  /** An existing machine, stopped; absent where one has to be made. */
  readonly existing?: Machine;
  /** Between creation and start, while the disk may be written. */
  readonly beforeStart?: (machine: Machine, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

const DESKTOP = { width: 1280, height: 800 } as const;
const HEALTH_RETRY_MS = 25;

/**
 * Plans, opens the way out, creates, starts, and waits for the agent. When any step fails, everything the
 * earlier ones made is undone, last first, and the error names the step.
 */
export async function bootMachine(runtime: Runtime, request: BootRequest): Promise<RunningMachine> {
  const undo: (() => Promise<unknown>)[] = [];
  const deadline = runtime.clock.deadline(
    runtime.settings.bootTimeoutMs,
    () =>
      new SallyportError(
        'MACHINE_TIMED_OUT',
        `The ${request.role} machine was not ready after ${runtime.settings.bootTimeoutMs / 1000} s.`,
      ),
    request.signal,
  );
  const { signal } = deadline;
  try {
    const context = { userId: request.userId, provider: request.provider, sessionId: request.sessionId, signal };
    const network = await planNetwork(runtime, request, context);
    const plan = await planMachine(runtime, request, context);
    const route = await runtime.egress.open(network, {
      signal,
      onRefused: (host) =>
        runtime.emit({ type: 'egress.refused', userId: request.userId, machineId: request.machineId, host }),
    });
    undo.push(() => route.close());

    const machine = request.existing ?? (await runtime.driver.create(plan, { signal }));
    undo.push(() => (request.existing ? machine.stop({ deadlineMs: 2_000 }) : machine.destroy()));
    await request.beforeStart?.(machine, signal);

    const token = new Secret(randomBytes(32).toString('base64url'));
    const epoch = await runtime.store.machines.nextEpoch(request.machineId);
    await machine.start({ plan, epoch, token, egress: route, signal });
    const agent = runtime.connectAgent(machine, token);
    await waitForAgent(runtime, machine, agent, signal);

    const view = (state: MachineState): MachineView => ({
      machineId: request.machineId,
      userId: request.userId,
      role: request.role,
      driver: runtime.driver.name,
      labels: plan.labels,
      state,
    });
    await runtime.hooks.machineStarted(view('running'), context);
    await runtime.setMachineState(request.machineId, request.userId, request.role, 'running');
    return { id: request.machineId, role: request.role, machine, agent, route, view };
  } catch (thrown) {
    for (const step of undo.toReversed()) await runtime.attempt('clearing away a machine that did not start', step);
    if (signal.aborted && SallyportError.isInstance(signal.reason)) throw signal.reason;
    throw toSallyportError(thrown, 'MACHINE_FAILED', `The ${request.role} machine could not be started.`);
  } finally {
    deadline.clear();
  }
}

async function planNetwork(runtime: Runtime, request: BootRequest, context: Context): Promise<NetworkPlan> {
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

async function planMachine(runtime: Runtime, request: BootRequest, context: Context): Promise<MachinePlan> {
  const plan: MachinePlan = {
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
  return clampMachinePlan(plan, await runtime.hooks.machinePlan(plan, context), runtime.settings.ceiling);
}

async function waitForAgent(
  runtime: Runtime,
  machine: Machine,
  agent: AgentClient,
  signal: AbortSignal,
): Promise<void> {
  let ended: string | undefined;
  const noteEnd = ({ signal: by, code, console: output }: MachineExit): void => {
    const words = output === '' ? '' : ` Its last words: ${output.slice(-500)}`;
    ended = `It ended with ${by ?? `code ${code}`}.${words}`;
  };
  void machine.exited.then(noteEnd);
  for (;;) {
    signal.throwIfAborted();
    if (ended !== undefined)
      throw new SallyportError('MACHINE_FAILED', `The machine stopped before its agent answered. ${ended}`);
    try {
      await agent.health(signal);
      return;
    } catch (error) {
      if (signal.aborted) throw error;
      await runtime.clock.sleep(HEALTH_RETRY_MS, signal);
    }
  }
}
