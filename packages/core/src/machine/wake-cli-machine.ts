import type { Runtime } from '../runtime.ts';
import { bootMachine } from './boot.ts';
import { cliMachineNeeds } from './cli-machine-needs.ts';
import { staleProviders } from './credential-release.ts';
import { findCliMachine } from './find-cli-machine.ts';
import type { StartCliMachine, StartedCliMachine } from './start-cli-machine.ts';

/**
 * Wakes the person's machine, if it hibernates with the newest version of every login. Nothing is written to its disk:
 * the snapshot holds the file system as it was. `undefined`: it has to be started instead, which gives an unused
 * snapshot up.
 */
export async function wakeCliMachine(
  runtime: Runtime,
  request: StartCliMachine,
): Promise<StartedCliMachine | undefined> {
  const { userId, provider, signal } = request;
  const known = await findCliMachine(runtime, userId);
  if (known?.record.state !== 'hibernated' || !known.existing?.wake) return undefined;
  const { record, existing } = known;
  const { machineId, injected } = record;
  const withheld: StartedCliMachine['withheld'] = new Map();
  const stale = await staleProviders(runtime, userId, machineId, withheld);
  if (stale.length > 0 || injected[provider] === undefined) return undefined;

  const providers = new Set(Object.keys(injected).filter((id) => runtime.registry.has(id)));
  const onProgress = (message: string): void => request.onProgress('waking', message);
  onProgress('Your machine is being woken.');
  const needs = await cliMachineNeeds(runtime, providers, { signal, onProgress });
  try {
    const woken = { ...needs, machineId, userId, provider, existing, wake: true, signal };
    return { running: await bootMachine(runtime, woken), providers, withheld };
  } catch (error) {
    await runtime.attempt(`noting that machine ${machineId} did not wake`, () =>
      runtime.setMachineState(machineId, userId, 'cli', 'stopped'),
    );
    signal.throwIfAborted();
    runtime.reportBackground(`waking machine ${machineId}, which is started anew instead`, error);
    return undefined;
  }
}
