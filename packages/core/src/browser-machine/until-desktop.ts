import { SallyportError } from '../base/errors.ts';
import type { AgentClient } from '../contracts/agent-client.ts';

/** Resolves when a machine's screen is up. Throws `MACHINE_FAILED` where it has failed, or the machine ends first. */
export async function untilDesktop(agent: Pick<AgentClient, 'events'>, signal: AbortSignal): Promise<void> {
  for await (const event of agent.events(signal)) {
    if (event.type === 'desktop.ready') return;
    if (event.type === 'desktop.failed') throw new SallyportError('MACHINE_FAILED', event.message);
  }
  throw new SallyportError('MACHINE_FAILED', 'The machine ended before its screen was up.');
}
