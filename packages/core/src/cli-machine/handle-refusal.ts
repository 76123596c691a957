import { examine } from '../credentials/examine.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CliMachine } from './cli-machine.ts';
import { invalidateCredential } from './invalidate-credential.ts';

/**
 * Handles a CLI that says its provider wants a new login. Ends the stored credential if the CLI ran with a usable one.
 * Where its file is unusable, the CLI may not have asked the provider at all: the next use of the machine writes the
 * stored version back, and only if that is refused too does it end. Only the version that this machine holds ends,
 * since the user may have logged in again meanwhile.
 */
export async function handleRefusal(
  runtime: Runtime,
  entry: CliMachine,
  provider: string,
): Promise<'ended' | 'write-back'> {
  const { userId, running } = entry;
  const version = (await runtime.store.machines.get(running.id))?.injected[provider];
  if (version === undefined) return 'ended';
  if (!runtime.writeBacks.has(userId, provider, version) && (await isDamaged(runtime, entry, provider))) {
    entry.damaged.add(provider);
    return 'write-back';
  }
  await invalidateCredential(runtime, { userId, provider, reason: 'refused', version });
  return 'ended';
}

async function isDamaged(runtime: Runtime, { userId, running }: CliMachine, provider: string): Promise<boolean> {
  const standing = await runtime.ledger.standing(userId, provider);
  // A key or a token in the environment is not in a file.
  if (standing === undefined || standing.facts.rotates === false) return false;
  const known = runtime.registry.get(provider);
  // A machine that cannot answer does not show that the CLI had the credential.
  const files = await running.agent.capture(provider, known.manifest.credentials).catch(() => undefined);
  if (!files) return true;
  const { missing, facts } = examine(known, files);
  return missing.length > 0 || facts.blank;
}
