import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { captureCredentials } from './credential-exchange.ts';

/** Taking a snapshot writes all of the machine's memory. */
const HIBERNATE_MS = 60_000;

/**
 * Puts a running CLI machine to sleep. Its logins are stored first: whoever dies asleep takes nothing along. They stay
 * leased to it. Resolves to whether it sleeps; where not, it is to be stopped. Never rejects.
 */
export async function hibernateCliMachine(runtime: Runtime, entry: CliMachine): Promise<boolean> {
  const { running, userId } = entry;
  const { id, machine } = running;
  if (!machine.hibernate || !runtime.driver.features.hibernate) return false;
  const late = (): SallyportError =>
    new SallyportError('MACHINE_TIMED_OUT', `Machine ${id} did not hibernate in ${HIBERNATE_MS / 1000} s.`);
  using deadline = runtime.clock.deadline(HIBERNATE_MS, late, runtime.closing);
  const { signal } = deadline;
  const sleeps = await runtime.bestEffort(`hibernating machine ${id}`, async () => {
    await captureCredentials(runtime, entry);
    signal.throwIfAborted();
    await machine.hibernate?.({ signal });
  });
  if (!sleeps) return false;
  // Where this note is not written, the next start does not know of the snapshot and gives it up.
  await runtime.bestEffort(`noting that machine ${id} hibernates`, () =>
    runtime.setMachineState(id, userId, 'cli', 'hibernated'),
  );
  return true;
}
