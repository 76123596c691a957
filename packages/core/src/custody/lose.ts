import type { MachineRecord } from '../contracts/store.ts';
import { invalidateCredential } from './invalidate.ts';
import type { CustodyParts } from './parts.ts';

/** See {@link Custody.giveBack}. */
export async function giveBackAll(
  parts: CustodyParts,
  { userId, machineId }: Pick<MachineRecord, 'userId' | 'machineId'>,
): Promise<void> {
  // Do not rely on what was recorded as injected: the process may have ended between the lease and the record.
  for (const { provider } of await parts.store.credentials.list(userId)) {
    await parts.ledger.giveBack({ userId, provider, machineId });
  }
}

/** See {@link Custody.lose}. */
export async function loseCredentials(
  parts: CustodyParts,
  { userId, machineId }: Pick<MachineRecord, 'userId' | 'machineId'>,
  forGood: boolean,
): Promise<void> {
  for (const { provider } of await parts.store.credentials.list(userId)) {
    if (!parts.registry.has(provider)) continue;
    const standing = await parts.ledger.standing(userId, provider);
    if (standing?.holder !== machineId) continue;
    const isHarmless = standing.facts.rotates === false;
    if (!isHarmless) {
      const reason = standing.rolledBack ? 'rolled-back' : 'lost';
      await invalidateCredential(parts, { userId, provider, reason, version: standing.version });
    }
    if (isHarmless || forGood) await parts.ledger.giveBack({ userId, provider, machineId });
  }
}
