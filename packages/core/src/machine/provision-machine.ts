import { ordinal } from '../admission/ordinal.ts';
import type { Reservation } from '../admission/capacity.ts';
import type { AgentClient } from '../contracts/agent-client.ts';
import { clampMachinePlan, clampNetworkPlan } from '../hooks/clamp.ts';
import type { EgressOptions, EgressRoute, NetworkPlan } from '../contracts/egress.ts';
import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { Context } from '../hooks/arguments.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import type { UserRecord } from '../contracts/store.ts';
import { inPhase } from './boot-phases.ts';
import { launchMachine } from './launch-machine.ts';
import type { LaunchRequest } from './launch-machine.ts';
import type { Machine } from '../contracts/driver.ts';
import type { MachinePlan, MachineRole, MachineStart, MachineState, MachineView } from '../contracts/plan.ts';

/** A machine that runs and whose agent answers. */
export interface RunningMachine {
  readonly id: string;
  readonly role: MachineRole;
  readonly machine: Machine;
  readonly agent: AgentClient;
  readonly route: EgressRoute;
  readonly plan: MachinePlan;
  /**
   * Settles when its row says that it runs, which a browser machine's does already. Nobody need wait for that to use it: a
   * machine that runs is found to do so, whatever its row says.
   */
  readonly noted: Promise<void>;
  view(state: MachineState): MachineView;
}

/** What a machine is needed for. */
export interface MachineRequest {
  readonly machineId: string;
  readonly userId: string;
  /** Who that is, if it was looked up already. */
  readonly user?: UserRecord | undefined;
  readonly provider: string | undefined;
  readonly sessionId: string | undefined;
  readonly role: MachineRole;
  readonly memoryMb: number;
  readonly desktop: boolean;
  readonly clis: MachinePlan['clis'];
  /** Hosts the machine needs; the operator's additions are part of it already. */
  readonly hosts: readonly string[];
  readonly signal: AbortSignal;
  /** Ends the wait for a turn and a place, and nothing after it. */
  readonly dismissed?: AbortSignal;
  /** For the user who waits: the machine has to wait for its turn. */
  readonly onQueued?: (message: string) => void;
}

export type ProvisionRequest = MachineRequest & Pick<LaunchRequest, 'existing' | 'wake' | 'beforeStart'>;

const DESKTOP = { width: 1280, height: 800 } as const;

/**
 * Plans, waits for a turn and a place on this host, opens the egress, creates, starts, and waits for the agent. When
 * any step fails, everything the earlier ones made is undone, and the error names the step.
 */
export async function provisionMachine(runtime: Runtime, request: ProvisionRequest): Promise<RunningMachine> {
  const { machineId, userId, role, signal } = request;
  try {
    const context = contextOf(request, signal);
    const network = await planNetwork(runtime, request, context);
    const plan = await planMachine(runtime, request, context);
    const kind = request.wake ? 'wake' : 'create';
    return await runtime.admission.admit({ kind, machineId, userId }, plan, turnOf(request), (place) =>
      bootPlanned(runtime, request, { network, plan, place }),
    );
  } catch (thrown) {
    if (signal.aborted && SallyportError.isInstance(signal.reason)) throw signal.reason;
    throw toSallyportError(thrown, 'MACHINE_FAILED', `The ${role} machine could not be started.`);
  }
}

async function bootPlanned(
  runtime: Runtime,
  request: ProvisionRequest,
  { network, plan, place }: { readonly network: NetworkPlan; readonly plan: MachinePlan; readonly place: Reservation },
): Promise<RunningMachine> {
  const { machineId, role, signal, existing, wake, beforeStart } = request;
  const began = runtime.clock.monotonic();
  const undo: (() => Promise<unknown>)[] = [async () => place.release()];
  try {
    const route = await inPhase(runtime, { phase: 'create', role, signal }, (until) =>
      runtime.egress.open(network, egressOptions(runtime, request, until)),
    );
    undo.push(() => route.close());
    // The row of a new machine was written with the first one.
    const epoch = existing ? await runtime.store.machines.nextEpoch(machineId) : FIRST_EPOCH;
    // From here on the machine has the place, and gives it back when it no longer runs.
    undo.shift();
    const up = await launchMachine(runtime, { plan, epoch, route, place, existing, wake, beforeStart, signal });
    undo.push(() => (existing ? up.machine.stop({ deadlineMs: 2_000 }) : up.machine.destroy()));
    const how = wake ? 'wake' : 'cold';
    return await introduce(runtime, { ...up, plan, route }, contextOf(request, signal), { how, began });
  } catch (thrown) {
    for (const step of undo.toReversed()) await runtime.bestEffort('clearing away a machine that did not start', step);
    throw thrown;
  }
}

function turnOf({ signal, dismissed, onQueued }: MachineRequest) {
  return {
    signal: dismissed ? AbortSignal.any([signal, dismissed]) : signal,
    onPosition: (position: number) => onQueued?.(`Waiting for a place: ${ordinal(position)} in line.`),
  };
}

/** Tells plugins and the store that a machine runs. */
export async function introduce(
  runtime: Runtime,
  { plan, machine, agent, route }: Omit<RunningMachine, 'id' | 'role' | 'noted' | 'view'>,
  context: Context,
  { how, began }: { readonly how: MachineStart['how']; readonly began: number },
): Promise<RunningMachine> {
  const { machineId, userId, role, labels } = plan;
  const driver = runtime.driver.name;
  const view = (state: MachineState): MachineView => ({ machineId, userId, role, driver, labels, state });
  await runtime.hooks.machineStarted(view('running'), context);
  const noted = runtime.setMachineState(machineId, userId, role, 'running', {
    how,
    ms: Math.round(runtime.clock.monotonic() - began),
  });
  noted.catch(() => undefined);
  if (role === 'browser') await noted;
  return { id: machineId, role, machine, agent, route, plan, noted, view };
}

export function contextOf({ userId, provider, sessionId }: MachineRequest, signal: AbortSignal): Context {
  return { userId, provider, sessionId, signal };
}

/** In place of the host, where a machine asks for more hosts than are told apart. */
const OTHER_HOSTS = '(other hosts)';

export function egressOptions(
  runtime: Pick<Runtime, 'repeatLimit' | 'emit' | 'reportBackground' | 'refusals'>,
  { userId, machineId }: Pick<MachineRequest, 'userId' | 'machineId'>,
  signal: AbortSignal,
): EgressOptions {
  return {
    signal,
    onRefused: (host, reason, problem) => {
      runtime.repeatLimit.note({
        scope: machineId,
        kind: `${reason} ${host}`,
        group: reason,
        tell: (count, isOther) => {
          const cause = problem !== undefined && !isOther && { problem };
          runtime.emit({
            type: 'egress.refused',
            userId,
            machineId,
            host: isOther ? OTHER_HOSTS : host,
            reason,
            ...cause,
            ...(count > 1 && { count }),
          });
          if (cause) runtime.reportBackground(`the egress of machine ${machineId}`, cause.problem);
        },
      });
      runtime.refusals.tell(machineId, host, reason);
    },
  };
}

export async function planNetwork(runtime: Runtime, request: MachineRequest, context: Context): Promise<NetworkPlan> {
  const user = request.user ?? (await runtime.store.users.get(request.userId));
  const proxyPort = runtime.egress.needsProxyPort
    ? (user?.proxyPort ?? (await runtime.store.users.allotProxyPort(request.userId)))
    : undefined;
  const plan: NetworkPlan = {
    machineId: request.machineId,
    userId: request.userId,
    purpose: request.role === 'browser' ? 'sign-in' : 'work',
    hosts: request.hosts,
    identity: {
      userId: request.userId,
      ...(proxyPort !== undefined && { proxyPort }),
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
