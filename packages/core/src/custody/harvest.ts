import type { PlacedFile } from '../contracts/credential-files.ts';
import type { Machine } from '../contracts/driver.ts';
import { isOptional } from '../credentials/missing-parts.ts';
import { credentialPaths } from '../credentials/place.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import { isUnsafeFile } from './unsafe-file.ts';

/**
 * Reads a credential's files from a stopped machine's disk, and others of its home. Without the settings that the credential
 * is complete without, where one of them is unsafe to read, such as one that grew too large.
 */
export async function harvestCredential(
  machine: Machine,
  provider: string,
  items: readonly CredentialItem[],
  others: readonly string[] = [],
): Promise<readonly PlacedFile[]> {
  const harvest = (read: readonly CredentialItem[]): Promise<readonly PlacedFile[]> =>
    machine.disk.harvest(provider, [...credentialPaths(read, 'cli'), ...others]);
  try {
    return await harvest(items);
  } catch (error) {
    const needed = items.filter((item) => !isOptional(item));
    if (!isUnsafeFile(error) || needed.length === items.length) throw error;
    return harvest(needed);
  }
}
