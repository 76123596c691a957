import type { Machine } from '../contracts/driver.ts';
import { credentialPaths } from '../credentials/place.ts';
import { DISK_NONCE_PATH } from './disk-nonce.ts';
import type { CustodyParts } from './parts.ts';

/** See {@link Custody.remove}. */
export async function removeCredential(parts: CustodyParts, machine: Machine, provider: string): Promise<void> {
  await machine.disk.remove(provider, pathsOnDisk(parts, provider));
  await parts.store.machines.noteInjected(machine.id, provider, null);
}

/** Every file that a lease writes to a disk. */
export function pathsOnDisk(parts: CustodyParts, provider: string): readonly string[] {
  return [...credentialPaths(parts.registry.get(provider).manifest.credentials, 'cli'), DISK_NONCE_PATH];
}
