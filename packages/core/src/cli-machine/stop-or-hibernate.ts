import type { CliRuntime } from './cli-runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { hibernateCliMachine } from './hibernate-cli-machine.ts';

/** Reasons that allow a machine to hibernate instead of stopping. */
const SLEEP_REASONS: ReadonlySet<string> = new Set(['idle', 'hibernate', 'make-room']);

/**
 * Ends a running CLI machine, or cleans up after one that ended unexpectedly. An idle machine hibernates if it can.
 * For any other stop, nothing is captured through the agent first: after a clean stop the harvest sees everything the
 * CLI wrote, which an earlier capture could miss.
 *
 * Never rejects: it tries every step and reports failures, so that an unsafe disk or an unavailable database never
 * leaves a machine running. What could not be stored is harvested before the next start.
 */
export async function stopOrHibernate(runtime: CliRuntime, entry: CliMachine, reason: string): Promise<void> {
  const { running, userId } = entry;
  const { id, machine, route } = running;
  const setState = (state: 'stopping' | 'stopped') => () => runtime.setMachineState(id, userId, 'cli', state);
  // `running` must not be recorded after `stopped`.
  await running.noted.catch(() => undefined);
  if (reason !== 'ended') {
    await runtime.bestEffort(`noting that machine ${id} stops`, setState('stopping'));
    const context = { userId, provider: undefined, sessionId: undefined, signal: runtime.closing };
    await runtime.hooks.machineStopping(running.view('stopping'), context, reason);
  }
  if (SLEEP_REASONS.has(reason) && (await hibernateCliMachine(runtime, entry))) {
    await runtime.bestEffort(`closing the egress of machine ${id}`, () => route.close());
    return;
  }
  // Even if it ended unexpectedly: processes that it started may still be running.
  const stopped = await runtime.bestEffort(`stopping machine ${id}`, () => machine.stop({ deadlineMs: 5_000 }));
  await runtime.bestEffort(`closing the egress of machine ${id}`, () => route.close());
  if (!stopped) return;
  await runtime.bestEffort(`harvesting machine ${id}`, () =>
    entry.intake(() => runtime.custody.settle(userId, machine)),
  );
  await runtime.bestEffort(`noting that machine ${id} has stopped`, setState('stopped'));
}
