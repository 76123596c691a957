import type { CredentialFiles } from '../credentials/files.ts';
import { collectCredential, credentialPaths, placeCredential } from '../credentials/place.ts';
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

/** Providers whose stored version is another than the one on the machine's disk, or gone. */
export async function staleProviders(runtime: Runtime, userId: string, machineId: string): Promise<readonly string[]> {
  const record = await runtime.store.machines.get(machineId);
  const stored = new Map((await runtime.store.credentials.list(userId)).map((credential) => [credential.provider, credential.version]));
  const injected = record?.injected ?? {};
  const providers = new Set([...Object.keys(injected), ...stored.keys()]);
  return [...providers].filter((provider) => injected[provider] !== stored.get(provider));
}

/** Reads a stopped machine's disk and stores what it rotated unseen. */
export async function harvestCredentials(runtime: Runtime, userId: string, machine: Machine): Promise<void> {
  const record = await runtime.store.machines.get(machine.id);
  for (const provider of Object.keys(record?.injected ?? {})) {
    if (!runtime.registry.has(provider)) continue;
    const { manifest } = runtime.registry.get(provider);
    const placed = await machine.disk.harvest(credentialPaths(manifest.credentials, 'cli'));
    const files = collectCredential(manifest.credentials, placed, 'cli');
    if (Object.keys(files).length > 0) await takeIn(runtime, { userId, provider, machineId: machine.id, files, reason: 'harvest' });
  }
}

/** Puts the newest version of every connected provider on a stopped machine's disk, and removes the others. */
export async function injectCredentials(
  runtime: Runtime,
  request: { readonly userId: string; readonly machine: Machine; readonly driver: string; readonly signal: AbortSignal },
): Promise<void> {
  const { userId, machine } = request;
  const record = await runtime.store.machines.get(machine.id);
  const before = record?.injected ?? {};
  const stored = await runtime.store.credentials.list(userId);
  const injected: Record<string, number> = {};

  for (const provider of Object.keys(before)) {
    if (stored.some((credential) => credential.provider === provider) || !runtime.registry.has(provider)) continue;
    await machine.disk.remove(credentialPaths(runtime.registry.get(provider).manifest.credentials, 'cli'));
  }
  for (const credential of stored) {
    const { provider, version } = credential;
    if (!runtime.registry.has(provider) || !credential.valid) continue;
    const { manifest } = runtime.registry.get(provider);
    if (before[provider] !== version) {
      const view = { machineId: machine.id, userId, role: 'cli', driver: request.driver, labels: {}, state: 'stopped' } as const;
      const refusal = await runtime.hooks.credentialRelease(
        { provider, version, facts: credential.facts, reason: 'login' },
        view,
        { userId, provider, sessionId: undefined, signal: request.signal },
      );
      if (refusal !== undefined) throw new SallyportError('CREDENTIAL_REFUSED', `The ${manifest.title} login was not released: ${refusal}`);
      const released = await runtime.ledger.release({ userId, provider, machineId: machine.id });
      const existing = await machine.disk.harvest(credentialPaths(manifest.credentials, 'cli'));
      await machine.disk.inject(placeCredential(manifest.credentials, released.files.reveal(), 'cli', existing));
      runtime.emit({ type: 'credential.injected', userId, provider, version, machineId: machine.id });
    }
    injected[provider] = version;
  }
  await runtime.store.machines.update(machine.id, { injected });
}

/** The machine is gone for good: what it held may be given to another. */
export async function giveBackAll(runtime: Runtime, record: MachineRecord): Promise<void> {
  const { userId, machineId } = record;
  for (const provider of Object.keys(record.injected)) await runtime.ledger.giveBack({ userId, provider, machineId });
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
  const { running, userId } = entry;
  const ended = new AbortController();
  void running.machine.exited.then(() => ended.abort());
  const follow = async (): Promise<void> => {
    for await (const event of running.agent.events(ended.signal)) {
      if (event.type === 'credential.offered') {
        await takeIn(runtime, { userId, provider: event.provider, machineId: running.id, files: event.files, reason: 'rotation' });
        await running.agent.acknowledge(event.offerId);
      } else if (event.type === 'credential.rejected') {
        runtime.emit({ type: 'credential.rejected', userId, provider: event.provider, problem: event.problem });
      }
    }
  };
  void follow().catch((error: unknown) => {
    if (!ended.signal.aborted) runtime.reportBackground('credential watch', error);
  });
  const record = await runtime.store.machines.get(running.id);
  for (const provider of Object.keys(record?.injected ?? {})) {
    await running.agent.watchCredentials(provider, runtime.registry.get(provider).manifest.credentials);
  }
}

/** Hands a found version to the ledger; a new one is what the machine now holds. */
async function takeIn(
  runtime: Runtime,
  found: { readonly userId: string; readonly provider: string; readonly machineId: string; readonly files: CredentialFiles; readonly reason: 'rotation' | 'harvest' },
): Promise<void> {
  const { userId, provider } = found;
  const context = { userId, provider, sessionId: undefined, signal: runtime.closing };
  const verdict = await runtime.ledger.offer({ ...found, beforeStore: (summary) => runtime.hooks.credentialCaptured(summary, context) });
  if (verdict.outcome === 'stored') {
    const record = await runtime.store.machines.get(found.machineId);
    await runtime.store.machines.update(found.machineId, { injected: { ...record?.injected, [found.provider]: verdict.version } });
    runtime.emit({ type: 'credential.stored', userId: found.userId, provider: found.provider, version: verdict.version, reason: found.reason });
  } else if (verdict.outcome === 'refused') {
    runtime.emit({ type: 'credential.rejected', userId: found.userId, provider: found.provider, problem: verdict.problem });
  }
}
