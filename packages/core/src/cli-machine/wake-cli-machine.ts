import type { CliRuntime } from './cli-runtime.ts';
import { provisionMachine } from '../machine/provision-machine.ts';
import { cliMachineNeeds } from './cli-machine-needs.ts';
import type { Owner } from './find-cli-machine.ts';
import type { StartCliMachine, StartedCliMachine } from './start-cli-machine.ts';

/**
 * Wakes the user's machine if it hibernates with the newest version of every credential. Writes nothing to its disk:
 * the snapshot expects the file system unchanged. Returns `undefined` if the machine has to be started instead, which
 * discards an unused snapshot.
 */
export async function wakeCliMachine(
  runtime: CliRuntime,
  request: StartCliMachine,
  { user, known, credentials }: Owner,
): Promise<StartedCliMachine | undefined> {
  const { userId, provider, signal } = request;
  if (known?.record.state !== 'hibernated' || !known.existing?.wake) return undefined;
  const { record, existing } = known;
  const { machineId, injected } = record;
  const withheld: StartedCliMachine['withheld'] = new Map();
  const stale = runtime.custody.stale({ injected, credentials, withheld });
  if (stale.length > 0 || injected[provider] === undefined) return undefined;

  const providers = new Set(Object.keys(injected).filter((id) => runtime.registry.has(id)));
  const onProgress = (message: string): void => request.onProgress('waking', message);
  onProgress('Your machine is being woken.');
  const needs = await cliMachineNeeds(runtime, providers, { signal, onProgress });
  let begun = false;
  try {
    const running = await provisionMachine(runtime, {
      ...needs,
      machineId,
      userId,
      user,
      provider,
      existing,
      wake: true,
      beforeStart: async () => {
        begun = true;
      },
      onQueued: (message) => request.onProgress('queued', message),
      signal,
      ...(request.dismissed && { dismissed: request.dismissed }),
    });
    return { running, providers, withheld };
  } catch (error) {
    // Its snapshot was not used up, so it keeps hibernating.
    if (!begun) throw error;
    await runtime.bestEffort(`noting that machine ${machineId} did not wake`, () =>
      runtime.setMachineState(machineId, userId, 'cli', 'stopped'),
    );
    signal.throwIfAborted();
    runtime.reportBackground(`waking machine ${machineId}, which is started again instead`, error);
    return undefined;
  }
}
