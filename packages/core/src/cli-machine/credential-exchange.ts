import type { CredentialFiles, PlacedFile } from '../contracts/credential-files.ts';
import { invalidateCredential } from './invalidate-credential.ts';
import type { OfferOutcome } from '../credentials/ledger.ts';
import { withoutDamagedSettings } from '../credentials/missing-parts.ts';
import { collectCredential } from '../credentials/place.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { storeCredential } from '../runtime/store-credential.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { CliMachine } from './cli-machine.ts';
import { DISK_NONCE_PATH, isDiskOfLease } from './disk-nonce.ts';
import type { Machine } from '../contracts/driver.ts';
import { harvestCredential } from './harvest-credential.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import { isUnsafeFile } from './unsafe-file.ts';

/**
 * Moves credentials from a CLI machine to the ledger. A machine holds the lease of a credential from before it starts
 * until its disk is read after it stopped. As long as the lease exists, the machine may have a version that is stored
 * nowhere else. If the disk is gone or is another one, the stored version is invalidated, since its refresh token may
 * be spent. If only the CLI's file is unusable, or holds an older or another login, the stored version is written back, and
 * the provider decides.
 */

/** Reads a stopped machine's disk, stores rotations that went unnoticed, and releases its leases. */
export async function settleCredentials(runtime: Runtime, userId: string, machine: Machine): Promise<void> {
  for (const { provider } of await runtime.store.credentials.list(userId)) {
    if (runtime.registry.has(provider)) await settleOne(runtime, userId, provider, machine);
  }
}

async function settleOne(runtime: Runtime, userId: string, provider: string, machine: Machine): Promise<void> {
  const { credentials } = runtime.registry.get(provider).manifest;
  const { placed, problem: unsafe } = await harvestOne(machine, provider, credentials);
  const before = await runtime.ledger.standing(userId, provider);
  const isHolder = before?.holder === machine.id;
  const isUnharmed =
    isHolder && (before.facts.rotates === false || (await neverRanWith(runtime, userId, provider, machine.id)));
  if (isHolder && !isUnharmed && !isDiskOfLease(placed, before.diskNonce)) {
    const problem = 'the disk is not the one the machine ran with last: it was restored from a copy';
    runtime.emit({ type: 'credential.rejected', userId, provider, problem });
    // Keep the lease: the right disk may come back, and the credential with it.
    await invalidateCredential(runtime, { userId, provider, reason: 'lost', version: before.version });
    return;
  }
  const files = withoutDamagedSettings(credentials, collectCredential(credentials, placed, 'cli'));
  const found = { userId, provider, machineId: machine.id, files, reason: 'harvest' } as const;
  const outcome: OfferOutcome =
    unsafe === undefined ? await takeIn(runtime, found) : { outcome: 'refused', why: 'incomplete', problem: unsafe };
  const standing = await runtime.ledger.standing(userId, provider);
  if (standing?.holder !== machine.id) return;
  const giveBack = (): Promise<void> => runtime.ledger.giveBack({ userId, provider, machineId: machine.id });
  if (outcome.outcome !== 'refused' || isUnharmed) return giveBack();
  runtime.emit({ type: 'credential.rejected', userId, provider, problem: outcome.problem });
  const { version, valid } = standing;
  if (valid) {
    // The CLI's file shows nothing about the stored version. The next release writes that back.
    runtime.writeBacks.note(userId, provider, version);
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

/**
 * Whether a credential was leased but never used: a machine starts only after the contents of its disk were recorded.
 * Both are read from the store. A lease that only the rollback guard remembers means that the store, and so the
 * record, is older.
 */
async function neverRanWith(runtime: Runtime, userId: string, provider: string, machineId: string): Promise<boolean> {
  const row = await runtime.store.machines.get(machineId);
  const holder = await runtime.store.credentials.holder(userId, provider);
  return row !== undefined && row.injected[provider] === undefined && holder?.machineId === machineId;
}

/** Releases everything leased to a machine that never ran: it is unchanged. */
export async function giveBackAll(
  runtime: Runtime,
  { userId, machineId }: Pick<MachineRecord, 'userId' | 'machineId'>,
): Promise<void> {
  // Do not rely on what was recorded as injected: the process may have ended between the lease and the record.
  for (const { provider } of await runtime.store.credentials.list(userId)) {
    await runtime.ledger.giveBack({ userId, provider, machineId });
  }
}

/**
 * Handles a machine that is gone from its host. Any version it held and that was not read is lost. `forGood`: it was
 * destroyed; otherwise it may come back, so it keeps its leases.
 */
export async function loseCredentials(
  runtime: Runtime,
  { userId, machineId }: Pick<MachineRecord, 'userId' | 'machineId'>,
  forGood: boolean,
): Promise<void> {
  for (const { provider } of await runtime.store.credentials.list(userId)) {
    if (!runtime.registry.has(provider)) continue;
    const standing = await runtime.ledger.standing(userId, provider);
    if (standing?.holder !== machineId) continue;
    const isHarmless = standing.facts.rotates === false;
    if (!isHarmless) {
      const reason = standing.rolledBack ? 'rolled-back' : 'lost';
      await invalidateCredential(runtime, { userId, provider, reason, version: standing.version });
    }
    if (isHarmless || forGood) await runtime.ledger.giveBack({ userId, provider, machineId });
  }
}

/** Watches a running machine and stores each rotation as soon as it is complete on disk. */
export async function watchCredentials(runtime: Runtime, entry: CliMachine): Promise<void> {
  const { running } = entry;
  const ended = new AbortController();
  void running.machine.exited.then(() => ended.abort());
  void followOffers(runtime, entry, ended.signal).catch((error: unknown) => {
    if (!ended.signal.aborted) runtime.reportBackground(`following the credentials of machine ${running.id}`, error);
  });
  for (const provider of entry.providers) {
    if (entry.withheld.has(provider)) continue;
    await running.agent.watchCredentials(provider, runtime.registry.get(provider).manifest.credentials);
  }
}

async function followOffers(runtime: Runtime, entry: CliMachine, signal: AbortSignal): Promise<void> {
  const { running, userId } = entry;
  for await (const event of running.agent.events(signal)) {
    if (event.type === 'credential.rejected') {
      noteRejected(runtime, entry, event.provider, event.problem);
    } else if (event.type === 'credential.offered') {
      const { provider, files, offerId } = event;
      // The machine invented this provider. There is nothing to store.
      if (!runtime.registry.has(provider)) continue;
      for (const listener of entry.offerListeners) listener(provider, files);
      // A machine can invent new versions as fast as it likes. Without an answer the agent offers its newest again, every
      // few seconds, and the disk still has it at the next stop.
      const key = JSON.stringify([running.id, provider]);
      if (!runtime.rotationLimit.allows(key)) continue;
      // If this fails, the agent offers it again, and the disk still has it at the next stop.
      await runtime.bestEffort(`storing a rotation from machine ${running.id}`, async () => {
        const outcome = await entry.intake(() =>
          takeIn(runtime, { userId, provider, machineId: running.id, files, reason: 'rotation' }),
        );
        if (outcome.outcome === 'stored') runtime.rotationLimit.note(key);
        if (outcome.outcome === 'refused') noteRejected(runtime, entry, provider, outcome.problem);
        await running.agent.acknowledge(offerId);
      });
    }
  }
}

/** A machine can cause refusals of its files as often as it likes. */
function noteRejected(runtime: Runtime, { running, userId }: CliMachine, provider: string, problem: string): void {
  if (!runtime.registry.has(provider)) return;
  runtime.repeatLimit.note({
    scope: running.id,
    kind: `${provider} ${problem}`,
    group: provider,
    tell: (count, isOther) =>
      runtime.emit({
        type: 'credential.rejected',
        userId,
        provider,
        problem: isOther ? 'other problems' : problem,
        ...(count > 1 && { count }),
      }),
  });
}

/** Reads and stores what a running machine holds. Throws if any of it cannot be read or stored. */
export async function captureCredentials(runtime: Runtime, { running, userId, intake }: CliMachine): Promise<void> {
  const machineId = running.id;
  for (const provider of Object.keys((await runtime.store.machines.get(machineId))?.injected ?? {})) {
    if (!runtime.registry.has(provider)) continue;
    const standing = await runtime.ledger.standing(userId, provider);
    // A credential that does not rotate is still the version that was injected.
    if (standing?.holder !== machineId || standing.facts.rotates === false) continue;
    const files = await running.agent.capture(provider, runtime.registry.get(provider).manifest.credentials);
    const outcome =
      files && (await intake(() => takeIn(runtime, { userId, provider, machineId, files, reason: 'rotation' })));
    if (outcome && outcome.outcome !== 'refused') continue;
    const problem = outcome?.problem ?? 'it is not complete';
    throw new SallyportError('CREDENTIAL_INCOMPLETE', `The ${provider} login of machine ${machineId}: ${problem}.`);
  }
}

/** Offers a new version to the ledger and records it as the machine's current version. */
async function takeIn(
  runtime: Runtime,
  found: {
    readonly userId: string;
    readonly provider: string;
    readonly machineId: string;
    readonly files: CredentialFiles;
    readonly reason: 'rotation' | 'harvest';
  },
): Promise<OfferOutcome> {
  const { userId, provider, machineId } = found;
  const context = { userId, provider, sessionId: undefined, signal: runtime.closing };
  const verdict = await storeCredential(runtime, {
    ...found,
    beforeStore: (summary) => runtime.hooks.credentialCaptured(summary, context),
  });
  if (verdict.outcome === 'refused') return verdict;
  // Record a duplicate too: the server may have ended between the ledger's commit and this record.
  await runtime.store.machines.noteInjected(machineId, provider, verdict.version, { byHolder: true });
  if (verdict.outcome === 'duplicate') return verdict;
  if (verdict.objection !== undefined)
    runtime.reportBackground(`a plugin's objection to a ${provider} rotation`, verdict.objection);
  return verdict;
}
