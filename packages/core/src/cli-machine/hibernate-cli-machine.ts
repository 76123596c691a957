import { SallyportError } from '../base/errors.ts';
import type { CliRuntime } from './cli-runtime.ts';
import type { CliMachine } from './cli-machine.ts';

/** A snapshot writes all of the machine's memory. */
const HIBERNATE_MS = 60_000;

/**
 * Hibernates a running CLI machine. Stores its credentials first, so that they survive if the snapshot is lost; the
 * machine keeps its leases. Resolves to whether it hibernates; if not, the caller must stop it. Never rejects.
 */
export async function hibernateCliMachine(runtime: CliRuntime, entry: CliMachine): Promise<boolean> {
  const { running, userId } = entry;
  const { id, machine } = running;
  if (!machine.hibernate || !runtime.driver.features.hibernate) return false;
  const late = (): SallyportError =>
    new SallyportError('MACHINE_TIMED_OUT', `Machine ${id} did not hibernate within ${HIBERNATE_MS / 1000} s.`);
  using deadline = runtime.clock.deadline(HIBERNATE_MS, late, runtime.closing);
  const { signal } = deadline;
  const sleeps = await runtime.bestEffort(`hibernating machine ${id}`, async () => {
    await runtime.admission.checkHibernate(running.plan.memoryMb);
    // A snapshot would keep what they know of the credential.
    await running.agent.endWaiting();
    await runtime.custody.capture(entry);
    signal.throwIfAborted();
    await machine.hibernate?.({ signal });
  });
  if (!sleeps) return false;
  // If this is not recorded, the next start does not know about the snapshot and discards it.
  await runtime.bestEffort(`noting that machine ${id} hibernates`, () =>
    runtime.setMachineState(id, userId, 'cli', 'hibernated'),
  );
  return true;
}
