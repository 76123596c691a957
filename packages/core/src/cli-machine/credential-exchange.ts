import type { CredentialFiles } from '../contracts/credential-files.ts';
import { invalidateCredential } from './invalidate-credential.ts';
import type { OfferOutcome } from '../credentials/ledger.ts';
import { collectCredential, credentialPaths } from '../credentials/place.ts';
import { SallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { MachineRecord } from '../contracts/store.ts';
import type { CliMachine } from './cli-machine.ts';
import { DISK_NONCE_PATH, isDiskOfLease } from './disk-nonce.ts';
import type { Machine } from '../contracts/driver.ts';

/**
 * Credentials on their way from a CLI machine to the ledger. A machine holds the lease of a credential from before it
 * starts until its disk has been read after it stopped: as long as there is a lease, the machine may have a
 * version that nobody else knows. Where that version cannot be read any more, the stored one is given up too,
 * since its refresh token may have been used up.
 */

/** Reads a stopped machine's disk, stores what it rotated unseen, and gives its leases back. */
export async function settleCredentials(runtime: Runtime, userId: string, machine: Machine): Promise<void> {
  for (const { provider } of await runtime.store.credentials.list(userId)) {
    if (!runtime.registry.has(provider)) continue;
    const { credentials } = runtime.registry.get(provider).manifest;
    const placed = await machine.disk.harvest(provider, [...credentialPaths(credentials, 'cli'), DISK_NONCE_PATH]);
    const before = await runtime.ledger.standing(userId, provider);
    const isHolder = before?.holder === machine.id;
    const isUnharmed =
      isHolder && (before.facts.rotates === false || (await neverRanWith(runtime, userId, provider, machine.id)));
    if (isHolder && !isUnharmed && !isDiskOfLease(placed, before.diskNonce)) {
      const problem = 'the disk is not the one the machine ran with last: it was restored from a copy';
      runtime.emit({ type: 'credential.rejected', userId, provider, problem });
      // The lease stays: the right disk may come back, and with it the login.
      await invalidateCredential(runtime, { userId, provider, reason: 'lost', version: before.version });
      continue;
    }
    const files = collectCredential(credentials, placed, 'cli');
    const found = { userId, provider, machineId: machine.id, files, reason: 'harvest' } as const;
    const outcome = await takeIn(runtime, found);
    const standing = await runtime.ledger.standing(userId, provider);
    if (standing?.holder !== machine.id) continue;
    if (outcome.outcome !== 'refused' || isUnharmed) {
      await runtime.ledger.giveBack({ userId, provider, machineId: machine.id });
      continue;
    }
    runtime.emit({ type: 'credential.rejected', userId, provider, problem: outcome.problem });
    // Here too the lease stays.
    const reason = outcome.why === 'blank' ? 'refused' : 'lost';
    await invalidateCredential(runtime, { userId, provider, reason, version: standing.version });
  }
}

/**
 * It was leased and never put to use: a machine starts only after what lies on its disk was noted. Both are asked of
 * the store: a lease that only the rollbackGuard remembers says that the store, and so the note, is from before it.
 */
async function neverRanWith(runtime: Runtime, userId: string, provider: string, machineId: string): Promise<boolean> {
  const row = await runtime.store.machines.get(machineId);
  const holder = await runtime.store.credentials.holder(userId, provider);
  return row !== undefined && row.injected[provider] === undefined && holder?.machineId === machineId;
}

/** The machine never ran anything: what was leased to it is unchanged. */
export async function giveBackAll(
  runtime: Runtime,
  { userId, machineId }: Pick<MachineRecord, 'userId' | 'machineId'>,
): Promise<void> {
  // Not only what it says was injected: it may have ended between the lease and the note.
  for (const { provider } of await runtime.store.credentials.list(userId)) {
    await runtime.ledger.giveBack({ userId, provider, machineId });
  }
}

/**
 * The machine is gone from its host. What it held and nobody read is lost with it. `forGood`: it was destroyed;
 * otherwise it may come back, and keeps its leases for that.
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

/** Follows a running machine: each rotation is stored as soon as it is complete on its disk. */
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
      // From a machine that makes things up; there is nothing to store and nobody to tell.
      if (!runtime.registry.has(provider)) continue;
      // When it fails, the agent offers it again, and the disk still has it at the next stop.
      await runtime.bestEffort(`storing a rotation from machine ${running.id}`, async () => {
        const outcome = await entry.intake(() =>
          takeIn(runtime, { userId, provider, machineId: running.id, files, reason: 'rotation' }),
        );
        if (outcome.outcome === 'refused') noteRejected(runtime, entry, provider, outcome.problem);
        await running.agent.acknowledge(offerId);
      });
    }
  }
}

/** A machine can have its files refused as often as it likes. */
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

/** Reads what a running machine holds, and stores it. Throws where anything it holds cannot be read or stored. */
export async function captureCredentials(runtime: Runtime, { running, userId, intake }: CliMachine): Promise<void> {
  const machineId = running.id;
  for (const provider of Object.keys((await runtime.store.machines.get(machineId))?.injected ?? {})) {
    if (!runtime.registry.has(provider)) continue;
    const standing = await runtime.ledger.standing(userId, provider);
    // What does not rotate is what was put there.
    if (standing?.holder !== machineId || standing.facts.rotates === false) continue;
    const files = await running.agent.capture(provider, runtime.registry.get(provider).manifest.credentials);
    const outcome =
      files && (await intake(() => takeIn(runtime, { userId, provider, machineId, files, reason: 'rotation' })));
    if (outcome && outcome.outcome !== 'refused') continue;
    const problem = outcome?.problem ?? 'it is not complete';
    throw new SallyportError('CREDENTIAL_INCOMPLETE', `The ${provider} login of machine ${machineId}: ${problem}.`);
  }
}

/** Hands a found version to the ledger; a new one is what the machine now holds. */
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
  const { userId, provider, machineId, reason } = found;
  const context = { userId, provider, sessionId: undefined, signal: runtime.closing };
  const verdict = await runtime.ledger.offer({
    ...found,
    beforeStore: (summary) => runtime.hooks.credentialCaptured(summary, context),
  });
  if (verdict.outcome === 'refused') return verdict;
  // A duplicate is noted too: the server may have ended between the ledger's commit and this note.
  const injected = (await runtime.store.machines.get(machineId))?.injected ?? {};
  const holder = await runtime.store.credentials.holder(userId, provider);
  if (injected[provider] !== verdict.version && holder?.machineId === machineId) {
    await runtime.store.machines.update(machineId, { injected: { ...injected, [provider]: verdict.version } });
  }
  if (verdict.outcome === 'duplicate') return verdict;
  runtime.emit({ type: 'credential.stored', userId, provider, version: verdict.version, reason });
  if (verdict.objection !== undefined)
    runtime.reportBackground(`a plugin's objection to a ${provider} rotation`, verdict.objection);
  return verdict;
}
