import type { Runtime } from '../runtime/runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { settleCredentials } from './credential-exchange.ts';
import { hibernateCliMachine } from './hibernate-cli-machine.ts';

/** Why a machine is put to rest so that it may go on later as it was. */
const SLEEP_REASONS: ReadonlySet<string> = new Set(['idle', 'hibernate', 'make-room']);

/**
 * Ends a running CLI machine, or clears up behind one that ended by itself. One that nobody uses hibernates where it
 * can. Of any other, nothing is read through the agent first: after a clean stop the harvest of the disk sees whatever the CLI wrote up to its last moment, which an
 * earlier capture could not.
 *
 * Never rejects: every step is tried and its failure reported, so that an unsafe disk or an absent database
 * leaves no machine running. What was not stored then is harvested before the next start.
 */
export async function stopOrHibernate(runtime: Runtime, entry: CliMachine, reason: string): Promise<void> {
  const { running, userId } = entry;
  const { id, machine, route } = running;
  const setState = (state: 'stopping' | 'stopped') => () => runtime.setMachineState(id, userId, 'cli', state);
  // That it runs is not to be written after that it has ended.
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
  // Also where it ended by itself: what it started may have outlived it.
  const stopped = await runtime.bestEffort(`stopping machine ${id}`, () => machine.stop({ deadlineMs: 5_000 }));
  await runtime.bestEffort(`closing the egress of machine ${id}`, () => route.close());
  if (!stopped) return;
  await runtime.bestEffort(`harvesting machine ${id}`, () =>
    entry.intake(() => settleCredentials(runtime, userId, machine)),
  );
  await runtime.bestEffort(`noting that machine ${id} has stopped`, setState('stopped'));
}
