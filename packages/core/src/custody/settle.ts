import type { PlacedFile } from '../contracts/credential-files.ts';
import type { Machine } from '../contracts/driver.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { OfferOutcome } from '../credentials/ledger.ts';
import { withoutDamagedSettings } from '../credentials/missing-parts.ts';
import { collectCredential } from '../credentials/place.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import { DISK_NONCE_PATH, isDiskOfLease } from './disk-nonce.ts';
import { harvestCredential } from './harvest.ts';
import { invalidateCredential } from './invalidate.ts';
import type { CustodyParts } from './parts.ts';
import { takeIn } from './take-in.ts';
import { isUnsafeFile } from './unsafe-file.ts';

/** See {@link Custody.settle}. */
export async function settleCredentials(parts: CustodyParts, userId: string, machine: Machine): Promise<void> {
  const [stored, row] = await Promise.all([parts.store.credentials.list(userId), parts.store.machines.get(machine.id)]);
  for (const { provider } of stored) {
    if (parts.registry.has(provider)) await settleOne(parts, { userId, provider, machine, row });
  }
}

interface Settled {
  readonly userId: string;
  readonly provider: string;
  readonly machine: Machine;
  readonly row: MachineRecord | undefined;
}

async function settleOne(parts: CustodyParts, { userId, provider, machine, row }: Settled): Promise<void> {
  const { credentials } = parts.registry.get(provider).manifest;
  const { placed, problem: unsafe } = await harvestOne(machine, provider, credentials);
  const before = await parts.ledger.standing(userId, provider);
  const isHolder = before?.holder === machine.id;
  // A machine starts only after the contents of its disk were recorded. The record counts if it is as new as the lease.
  const neverRanWith = before?.isLeaseStored && row !== undefined && row.injected[provider] === undefined;
  const isUnharmed = isHolder && (before.facts.rotates === false || neverRanWith);
  if (isHolder && !isUnharmed && !isDiskOfLease(placed, before.diskNonce)) {
    const problem = 'the disk is not the one the machine ran with last: it was restored from a copy';
    parts.emit({ type: 'credential.rejected', userId, provider, problem });
    // Keep the lease: the right disk may come back, and the credential with it.
    await invalidateCredential(parts, { userId, provider, reason: 'lost', version: before.version });
    return;
  }
  const files = withoutDamagedSettings(credentials, collectCredential(credentials, placed, 'cli'));
  const found = { userId, provider, machineId: machine.id, files, reason: 'harvest' } as const;
  const outcome: OfferOutcome =
    unsafe === undefined ? await takeIn(parts, found) : { outcome: 'refused', why: 'incomplete', problem: unsafe };
  if (!isHolder) return;
  // Does nothing for a lease that a new login has ended meanwhile.
  const giveBack = (): Promise<void> => parts.ledger.giveBack({ userId, provider, machineId: machine.id });
  if (outcome.outcome !== 'refused' || isUnharmed) return giveBack();
  // Refused since the user logged in again: what is on the disk is of no interest any more.
  const standing = await parts.ledger.standing(userId, provider);
  if (standing?.holder !== machine.id) return;
  parts.emit({ type: 'credential.rejected', userId, provider, problem: outcome.problem });
  const { version, valid } = standing;
  if (valid) {
    // The CLI's file shows nothing about the stored version. The next release writes that back.
    parts.writeBacks.note(userId, provider, version);
    await giveBack();
  }
}

/**
 * Reads a credential's files and the nonce. Where a file is unsafe to read, such as a symbolic link, only the nonce:
 * it still shows whose disk this is.
 */
async function harvestOne(
  machine: Machine,
  provider: string,
  items: readonly CredentialItem[],
): Promise<{ readonly placed: readonly PlacedFile[]; readonly problem?: string }> {
  try {
    return { placed: await harvestCredential(machine, provider, items, [DISK_NONCE_PATH]) };
  } catch (error) {
    if (!isUnsafeFile(error)) throw error;
    const nonce = await machine.disk.harvest(provider, [DISK_NONCE_PATH]).catch((refusal: unknown) => {
      if (!isUnsafeFile(refusal)) throw refusal;
      return [];
    });
    return { placed: nonce, problem: error.message };
  }
}
