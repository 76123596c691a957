import type { Reservation } from '../admission/capacity.ts';
import { newBootToken } from './boot-token.ts';
import type { AgentClient } from '../contracts/agent-client.ts';
import type { EgressRoute } from '../contracts/egress.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { inPhase, withLastWords } from './boot-phases.ts';
import type { BootPhase } from './boot-phases.ts';
import type { Machine, MachineExit } from '../contracts/driver.ts';
import type { MachinePlan } from '../contracts/plan.ts';

export interface LaunchRequest {
  readonly plan: MachinePlan;
  readonly epoch: number;
  readonly route: EgressRoute;
  /** Its place on this host, which it has for as long as it runs. */
  readonly place: Reservation;
  /** An existing machine, stopped; absent where one has to be made. */
  readonly existing?: Machine | undefined;
  /** Goes on from the existing machine's snapshot instead of booting it. */
  readonly wake?: boolean | undefined;
  /** Between creation and start, while the disk may be written. */
  readonly beforeStart?: ((machine: Machine, signal: AbortSignal) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
}

const HEALTH_RETRY_MS = 25;

/** Creates, starts, and waits for the agent. When a step fails, a machine that was made is destroyed again. */
export async function launchMachine(
  runtime: Runtime,
  { plan, epoch, route, place, existing, wake, beforeStart, signal }: LaunchRequest,
): Promise<{ readonly machine: Machine; readonly agent: AgentClient }> {
  const within = <T>(phase: BootPhase, work: (signal: AbortSignal) => Promise<T>): Promise<T> =>
    inPhase(runtime, { phase, role: plan.role, signal }, work);
  const machine = existing ?? (await create());
  let started = false;
  try {
    if (beforeStart) await within('prepare', (until) => beforeStart(machine, until));
    const token = newBootToken();
    await within(wake ? 'wake' : 'boot', async (until) => {
      started = true;
      const options = { plan, epoch, token, egress: route, signal: until };
      await (wake && machine.wake ? machine.wake(options) : machine.start(options));
    });
    void machine.exited.then(() => place.release());
    const agent = runtime.connectAgent(machine, token);
    await within('ready', (until) => waitForAgent(runtime, machine, agent, until));
    return { machine, agent };
  } catch (error) {
    const cleared = await runtime.bestEffort('clearing away a machine that did not start', () =>
      existing ? machine.stop({ deadlineMs: 2_000 }) : machine.destroy(),
    );
    // Where it may still run, it keeps its place until it is found not to.
    if (cleared) place.release();
    throw started && cleared ? await withLastWords(runtime, machine, error) : error;
  }

  async function create(): Promise<Machine> {
    try {
      return await within('create', (until) => runtime.driver.create(plan, { signal: until }));
    } catch (error) {
      place.release();
      throw error;
    }
  }
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
