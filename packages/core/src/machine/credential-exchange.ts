import type { CredentialFiles } from '../credentials/files.ts';
import { collectCredential, credentialPaths, leftoverPaths, placeCredential } from '../credentials/place.ts';
import { SallyportError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { MachineRecord } from '../store/store.ts';
import type { CliMachine } from './cli-machines.ts';
import type { Machine } from './driver.ts';

/**
 * Credentials on their way between the ledger and a CLI machine. The rule behind all of it: one holder, one
 * version. What the machine has is read back before anything is written to it, and a version it rotated
 * itself is never overwritten by the one it came from.
 */

/**
 * Providers whose stored version is another than the one on the machine's disk, or gone. A login the provider has
 * refused is on no list: it is not given out, so a restart would bring nothing.
 */
export async function staleProviders(runtime: Runtime, userId: string, machineId: string): Promise<readonly string[]> {
  const injected = (await runtime.store.machines.get(machineId))?.injected ?? {};
  const stored = new Map(
    (await runtime.store.credentials.list(userId)).map((credential) => [credential.provider, credential]),
  );
  const providers = new Set([...Object.keys(injected), ...stored.keys()]);
  return [...providers].filter((provider) => {
    const credential = stored.get(provider);
    return runtime.registry.has(provider) && credential?.valid !== false && injected[provider] !== credential?.version;
  });
}

/** Reads a stopped machine's disk and stores what it rotated unseen. */
export async function harvestCredentials(runtime: Runtime, userId: string, machine: Machine): Promise<void> {
  const record = await runtime.store.machines.get(machine.id);
  for (const provider of Object.keys(record?.injected ?? {})) {
    if (!runtime.registry.has(provider)) continue;
    const { manifest } = runtime.registry.get(provider);
    const placed = await machine.disk.harvest(credentialPaths(manifest.credentials, 'cli'));
    const files = collectCredential(manifest.credentials, placed, 'cli');
    if (Object.keys(files).length > 0)
      await takeIn(runtime, { userId, provider, machineId: machine.id, files, reason: 'harvest' });
  }
}

/** Puts the newest version of every connected provider on a stopped machine's disk, and removes the others. */
export async function injectCredentials(
  runtime: Runtime,
  request: {
    readonly userId: string;
    readonly machine: Machine;
    readonly driver: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { userId, machine } = request;
  const record = await runtime.store.machines.get(machine.id);
  const before = record?.injected ?? {};
  const stored = await runtime.store.credentials.list(userId);
  // What it holds of a provider that is no longer configured, or that refused the login, stays as it lies.
  const injected: Record<string, number> = { ...before };

  for (const provider of Object.keys(before)) {
    if (stored.some((credential) => credential.provider === provider) || !runtime.registry.has(provider)) continue;
    await machine.disk.remove(credentialPaths(runtime.registry.get(provider).manifest.credentials, 'cli'));
    delete injected[provider];
  }
  for (const credential of stored) {
    const { provider, version } = credential;
    if (!runtime.registry.has(provider) || !credential.valid) continue;
    const { manifest } = runtime.registry.get(provider);
    if (before[provider] !== version) {
      const view = {
        machineId: machine.id,
        userId,
        role: 'cli',
        driver: request.driver,
        labels: {},
        state: 'stopped',
      } as const;
      const refusal = await runtime.hooks.credentialRelease(
        { provider, version, facts: credential.facts, reason: 'login' },
        view,
        { userId, provider, sessionId: undefined, signal: request.signal },
      );
      if (refusal !== undefined)
        throw new SallyportError('CREDENTIAL_REFUSED', `The ${manifest.title} login was not released: ${refusal}`);
      const released = await runtime.ledger.release({ userId, provider, machineId: machine.id });
      const existing = await machine.disk.harvest(credentialPaths(manifest.credentials, 'cli'));
      const files = released.files.reveal();
      await machine.disk.remove(leftoverPaths(manifest.credentials, files, 'cli'));
      await machine.disk.inject(placeCredential(manifest.credentials, files, 'cli', existing));
      injected[provider] = released.version;
      runtime.emit({ type: 'credential.injected', userId, provider, version: released.version, machineId: machine.id });
    }
  }
  await runtime.store.machines.update(machine.id, { injected });
}

/** The machine is gone for good: what it held may be given to another. */
export async function giveBackAll(
  runtime: Runtime,
  record: Pick<MachineRecord, 'userId' | 'machineId'>,
): Promise<void> {
  const { userId, machineId } = record;
  // Not only what it says was injected: it may have ended between the lease and the note.
  for (const { provider } of await runtime.store.credentials.list(userId)) {
    await runtime.ledger.giveBack({ userId, provider, machineId });
  }
}

/** Takes one provider's credential off a stopped machine's disk. */
export async function removeCredential(runtime: Runtime, machine: Machine, provider: string): Promise<void> {
  await machine.disk.remove(credentialPaths(runtime.registry.get(provider).manifest.credentials, 'cli'));
  const record = await runtime.store.machines.get(machine.id);
  const { [provider]: _removed, ...injected } = record?.injected ?? {};
  await runtime.store.machines.update(machine.id, { injected });
}

/** Follows a running machine: each rotation is stored as soon as it is complete on its disk. */
export async function watchCredentials(runtime: Runtime, entry: CliMachine): Promise<void> {
  const { running } = entry;
  const ended = new AbortController();
  void running.machine.exited.then(() => ended.abort());
  void followOffers(runtime, entry, ended.signal).catch((error: unknown) => {
    if (!ended.signal.aborted) runtime.reportBackground(`following the credentials of machine ${running.id}`, error);
  });
  const record = await runtime.store.machines.get(running.id);
  for (const provider of Object.keys(record?.injected ?? {})) {
    if (!runtime.registry.has(provider)) continue;
    await running.agent.watchCredentials(provider, runtime.registry.get(provider).manifest.credentials);
  }
}

async function followOffers(runtime: Runtime, entry: CliMachine, signal: AbortSignal): Promise<void> {
  const { running, userId } = entry;
  for await (const event of running.agent.events(signal)) {
    if (event.type === 'credential.rejected') {
      runtime.emit({ type: 'credential.rejected', userId, provider: event.provider, problem: event.problem });
    } else if (event.type === 'credential.offered') {
      const { provider, files, offerId } = event;
      // From a machine that makes things up; there is nothing to store and nobody to tell.
      if (!runtime.registry.has(provider)) continue;
      // When it fails, the agent offers it again, and the disk still has it at the next stop.
      await runtime.attempt(`storing a rotation from machine ${running.id}`, async () => {
        await entry.intake(() =>
          takeIn(runtime, { userId, provider, machineId: running.id, files, reason: 'rotation' }),
        );
        await running.agent.acknowledge(offerId);
      });
    }
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
): Promise<void> {
  const { userId, provider, machineId, reason } = found;
  const context = { userId, provider, sessionId: undefined, signal: runtime.closing };
  const verdict = await runtime.ledger.offer({
    ...found,
    beforeStore: (summary) => runtime.hooks.credentialCaptured(summary, context),
  });
  if (verdict.outcome === 'refused') {
    runtime.emit({ type: 'credential.rejected', userId, provider, problem: verdict.problem });
    return;
  }
  // A duplicate is noted too: the server may have ended between the ledger's commit and this note.
  const injected = (await runtime.store.machines.get(machineId))?.injected ?? {};
  const holder = await runtime.store.credentials.holder(userId, provider);
  if (injected[provider] !== verdict.version && holder?.machineId === machineId) {
    await runtime.store.machines.update(machineId, { injected: { ...injected, [provider]: verdict.version } });
  }
  if (verdict.outcome === 'duplicate') return;
  runtime.emit({ type: 'credential.stored', userId, provider, version: verdict.version, reason });
  if (verdict.objection !== undefined)
    runtime.reportBackground(`a plugin's objection to a ${provider} rotation`, verdict.objection);
}
