import { randomBytes } from 'node:crypto';

import type { AgentClient } from '../agent/client.ts';
import type { EgressRoute } from '../egress/egress.ts';
import { SallyportError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import { Secret } from '../secret.ts';
import type { Machine, MachineExit } from './driver.ts';
import type { MachinePlan } from './plan.ts';

export interface BringUp {
  readonly plan: MachinePlan;
  readonly epoch: number;
  readonly route: EgressRoute;
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
export async function bringUp(
  runtime: Runtime,
  { plan, epoch, route, existing, wake, beforeStart, signal }: BringUp,
): Promise<{ readonly machine: Machine; readonly agent: AgentClient }> {
  const machine = existing ?? (await runtime.driver.create(plan, { signal }));
  try {
    await beforeStart?.(machine, signal);
    const token = new Secret(randomBytes(32).toString('base64url'));
    const options = { plan, epoch, token, egress: route, signal };
    if (wake && machine.wake) await machine.wake(options);
    else await machine.start(options);
    const agent = runtime.connectAgent(machine, token);
    await waitForAgent(runtime, machine, agent, signal);
    return { machine, agent };
  } catch (error) {
    await runtime.attempt('clearing away a machine that did not start', () =>
      existing ? machine.stop({ deadlineMs: 2_000 }) : machine.destroy(),
    );
    throw error;
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
