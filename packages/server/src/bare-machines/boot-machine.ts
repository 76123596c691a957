import { SallyportError } from '@sallyport/core';
import { newBootToken } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';
import type { Machine } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import type { AgentClient, ConnectAgent } from '@sallyport/core/protocol';

/** How a machine is started where no server does it. */
export interface BareBoot {
  readonly machine: Machine;
  readonly how: 'start' | 'wake';
  readonly epoch: number;
  readonly egress: EgressRoute;
  readonly connectAgent: ConnectAgent;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** As long as the slowest emulated processor may need. */
const BOOT_MS = 300_000;

/** Starts or wakes a machine, and resolves to its agent once that answers. */
export async function provisionMachine(boot: BareBoot): Promise<AgentClient> {
  const { machine, how, epoch, egress, connectAgent, clock, signal } = boot;
  const late = (): SallyportError =>
    new SallyportError('MACHINE_TIMED_OUT', `The machine did not ${how} in ${BOOT_MS / 1000} s.`);
  using deadline = clock.deadline(BOOT_MS, late, signal);
  const token = newBootToken();
  await machine[how]?.({ epoch, token, egress, signal: deadline.signal });
  const agent = connectAgent(machine, token);
  while (!(await agent.health(deadline.signal).catch(() => undefined))) await clock.sleep(100, deadline.signal);
  return agent;
}
