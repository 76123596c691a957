import { examine } from '../credentials/examine.ts';
import type { CustodyParts } from './parts.ts';
import type { Holder } from './holder.ts';
import { invalidateCredential } from './invalidate.ts';
import { isStoredVersion } from './stored-version.ts';

/**
 * Handles a CLI that says its provider wants a new login. Ends the stored credential if the CLI ran with it.
 * Where its file is unusable, the CLI may not have asked the provider at all, and where it holds another login, such as
 * an older version that was put back, the provider has refused that one. Then the next use of the machine
 * writes the stored version back, and only if that is refused too does it end. Only the version that this machine holds ends,
 * since the user may have logged in again meanwhile.
 */
export async function handleRefusal(
  parts: CustodyParts,
  entry: Holder,
  provider: string,
): Promise<'ended' | 'write-back'> {
  const { userId, running } = entry;
  const version = (await parts.store.machines.get(running.id))?.injected[provider];
  if (version === undefined) return 'ended';
  if (!parts.writeBacks.has(userId, provider, version) && !(await ranWithStored(parts, entry, provider, version))) {
    entry.damaged.add(provider);
    return 'write-back';
  }
  await invalidateCredential(parts, { userId, provider, reason: 'refused', version });
  return 'ended';
}

async function ranWithStored(
  parts: CustodyParts,
  { userId, running }: Holder,
  provider: string,
  version: number,
): Promise<boolean> {
  const standing = await parts.ledger.standing(userId, provider);
  // The machine gets the newer version at its next use anyway.
  if (standing?.version !== version) return true;
  // A key or a token in the environment is not in a file.
  if (standing.facts.rotates === false) return true;
  const known = parts.registry.get(provider);
  // A machine that cannot answer does not show that the CLI had the credential.
  const files = await running.agent.capture(provider, known.manifest.credentials).catch(() => undefined);
  if (!files) return false;
  const found = examine(known, files);
  return !found.facts.blank && isStoredVersion(found, standing);
}
