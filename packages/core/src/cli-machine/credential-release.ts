import type { Withheld } from './cli-machine.ts';
import { examine } from '../credentials/examine.ts';
import { invalidateCredential } from './invalidate-credential.ts';
import { loginNeeded } from '../credentials/login-needed.ts';
import { withoutDamagedSettings } from '../credentials/missing-parts.ts';
import { collectCredential, credentialPaths, leftoverPaths, placeCredential } from '../credentials/place.ts';
import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CredentialRecord, MachineRecord } from '../contracts/store.ts';
import { loseCredentials, settleCredentials } from './credential-exchange.ts';
import { DISK_NONCE_PATH, newDiskNonce } from './disk-nonce.ts';
import { harvestCredential } from './harvest-credential.ts';
import type { Machine } from '../contracts/driver.ts';
import type { PlacedFile } from '../contracts/credential-files.ts';
import { isStoredVersion } from './stored-version.ts';
import { isUnsafeFile, removeWhereSafe } from './unsafe-file.ts';

/**
 * Moves credentials from the ledger to a stopped CLI machine: one holder, one version. Compares what is on the disk
 * rather than what was recorded, since the disk may have been restored to an earlier state. A credential that cannot
 * be released is removed from the disk and does not block the other providers. Nor does what the CLI or its user put in
 * place of a file, such as a symbolic link: the stored version replaces it.
 */

export interface ReleaseRequest {
  readonly userId: string;
  readonly machineId: string;
  readonly signal: AbortSignal;
}

export interface Holdings {
  /** What is on the machine's disk. */
  readonly injected: MachineRecord['injected'];
  /** What is stored. */
  readonly credentials: readonly CredentialRecord[];
  readonly withheld: ReadonlyMap<string, Withheld>;
}

/**
 * Providers whose stored version is gone or differs from the one on the machine's disk. Leaves out credentials that
 * are invalid or withheld: they are not released, so a restart would not help.
 */
export function findStale({ registry }: Runtime, { injected, credentials, withheld }: Holdings): readonly string[] {
  const stored = new Map(credentials.map((credential) => [credential.provider, credential]));
  const providers = new Set([...Object.keys(injected), ...stored.keys()]);
  return [...providers].filter((provider) => {
    const credential = stored.get(provider);
    if (!registry.has(provider) || credential?.valid === false) return false;
    const isWithheld = credential !== undefined && withheld.get(provider)?.version === credential.version;
    return injected[provider] !== credential?.version && !isWithheld;
  });
}

/** The same check for the current row of a machine and the current store. */
export async function staleProviders(
  runtime: Runtime,
  userId: string,
  machineId: string,
  withheld: ReadonlyMap<string, Withheld>,
): Promise<readonly string[]> {
  const [injected, credentials] = await Promise.all([
    injectedOn(runtime, machineId),
    runtime.store.credentials.list(userId),
  ]);
  return findStale(runtime, { injected, credentials, withheld });
}

/**
 * Writes the newest version of every connected provider to a stopped machine's disk, and removes everything else. `isNew`: the
 * disk is empty.
 */
export async function releaseCredentials(
  runtime: Runtime,
  machine: Machine,
  request: ReleaseRequest & { readonly isNew: boolean },
): Promise<ReadonlyMap<string, Withheld>> {
  const none: MachineRecord['injected'] = {};
  const [before, stored] = await Promise.all([
    request.isNew ? none : injectedOn(runtime, machine.id),
    runtime.store.credentials.list(request.userId),
  ]);
  // Credentials of a provider that is no longer configured stay on the disk.
  const injected: Record<string, number> = { ...before };
  const withheld = new Map<string, Withheld>();

  const remove = async (provider: string): Promise<void> => {
    await removeWhereSafe(machine, provider, pathsOnDisk(runtime, provider));
    delete injected[provider];
  };
  for (const provider of Object.keys(before)) {
    const isStored = stored.some((credential) => credential.provider === provider);
    if (!isStored && runtime.registry.has(provider)) await remove(provider);
  }
  for (const credential of stored) {
    const { provider, version } = credential;
    if (!runtime.registry.has(provider)) continue;
    try {
      injected[provider] = await releaseOne(runtime, machine, credential, { ...request, noted: before[provider] });
    } catch (thrown) {
      request.signal.throwIfAborted();
      if (isMachineFault(thrown)) throw thrown;
      const error = toSallyportError(thrown, 'CREDENTIAL_REFUSED', `The ${provider} login was not released.`);
      withheld.set(provider, { version, error });
      await remove(provider);
      // An expired credential is reported when it expires.
      if (error.code === 'CREDENTIAL_INVALID') continue;
      const { userId } = request;
      runtime.emit({ type: 'credential.withheld', userId, provider, machineId: machine.id, code: error.code });
    }
  }
  await runtime.store.machines.update(machine.id, { injected });
  return withheld;
}

async function injectedOn(runtime: Runtime, machineId: string): Promise<MachineRecord['injected']> {
  return (await runtime.store.machines.get(machineId))?.injected ?? {};
}

/** Asks the plugins whether this credential may be used on a machine. Throws `CREDENTIAL_REFUSED` if one refuses. */
export async function checkRelease(
  runtime: Runtime,
  { provider, version, facts }: Pick<CredentialRecord, 'provider' | 'version' | 'facts'>,
  { userId, machineId, signal }: ReleaseRequest,
): Promise<void> {
  const driver = runtime.driver.name;
  const view = { machineId, userId, role: 'cli', driver, labels: {}, state: 'stopped' } as const;
  const context = { userId, provider, sessionId: undefined, signal };
  const refusal = await runtime.hooks.credentialRelease({ provider, version, facts, reason: 'login' }, view, context);
  if (refusal === undefined) return;
  const { title } = runtime.registry.get(provider).manifest;
  throw new SallyportError('CREDENTIAL_REFUSED', `The ${title} login was not released: ${refusal}`);
}

/** Reads a credential's files, or removes them where one is unsafe to read. A link is removed, not what it points to. */
async function harvestOrRemove(runtime: Runtime, machine: Machine, provider: string): Promise<readonly PlacedFile[]> {
  const { credentials } = runtime.registry.get(provider).manifest;
  try {
    return await harvestCredential(machine, provider, credentials);
  } catch (error) {
    if (!isUnsafeFile(error)) throw error;
    await removeWhereSafe(machine, provider, pathsOnDisk(runtime, provider));
    return [];
  }
}

/** Returns the version that is now on the disk. */
async function releaseOne(
  runtime: Runtime,
  machine: Machine,
  credential: CredentialRecord,
  request: ReleaseRequest & { readonly noted: number | undefined },
): Promise<number> {
  const { userId } = request;
  const { provider } = credential;
  const { manifest } = runtime.registry.get(provider);
  if (!credential.valid) throw loginNeeded(manifest.title, credential.invalidReason);
  const standing = await runtime.ledger.standing(userId, provider);
  if (standing?.rolledBack)
    await invalidateCredential(runtime, { userId, provider, reason: 'rolled-back', version: standing.version });
  else if (standing?.holder !== undefined && standing.holder !== machine.id) {
    await takeOver(runtime, userId, provider, standing.holder);
  }

  const existing = await harvestOrRemove(runtime, machine, provider);
  const { credentials } = manifest;
  const found = withoutDamagedSettings(credentials, collectCredential(credentials, existing, 'cli'));
  const onDisk = examine(runtime.registry.get(provider), found);
  // A key does not have a file, so the record says what the machine has.
  const isNoted = credential.facts.rotates === false && request.noted === credential.version;
  const isPlaced = existing.length > 0 ? isStoredVersion(onDisk, standing) : isNoted;
  // A credential that does not rotate cannot be out of date on an old disk.
  const nonce = credential.facts.rotates === false ? undefined : newDiskNonce();
  if (isPlaced) {
    // Written before the lease: if the server ends in between, it must not find a lease that the disk contradicts.
    if (nonce) await machine.disk.inject(provider, [nonce.file]);
  } else {
    await checkRelease(runtime, credential, request);
    // Until it is recorded again, the lease alone does not mean that the machine ran with it.
    if (request.noted !== undefined) await runtime.store.machines.noteInjected(machine.id, provider, null);
  }
  const released = await runtime.ledger.release({
    userId,
    provider,
    machineId: machine.id,
    ...(nonce && { diskNonce: nonce.value }),
  });
  const { version } = released;
  if (!isPlaced || version !== credential.version) {
    const files = released.files.reveal();
    const leftovers = leftoverPaths(manifest.credentials, files, 'cli');
    await machine.disk.remove(provider, nonce ? leftovers : [...leftovers, DISK_NONCE_PATH]);
    const placed = placeCredential(manifest.credentials, files, 'cli', existing);
    await machine.disk.inject(provider, nonce ? [...placed, nonce.file] : placed);
    runtime.emit({ type: 'credential.injected', userId, provider, version, machineId: machine.id });
  }
  return version;
}

/**
 * Takes the credential over from another machine. A machine on this host is stopped and read. One that is gone has
 * lost it. One on another host keeps it: this host cannot tell whether it runs.
 */
async function takeOver(runtime: Runtime, userId: string, provider: string, holder: string): Promise<void> {
  const row = await runtime.store.machines.get(holder);
  const ref = (await runtime.driver.list()).find(({ machineId }) => machineId === holder);
  const other = ref && (await runtime.driver.adopt(ref));
  if (other) {
    await other.stop({ deadlineMs: 2_000 });
    await settleCredentials(runtime, userId, other);
    return;
  }
  if (row && row.host !== runtime.host && row.state !== 'lost' && row.state !== 'destroyed') {
    const { title } = runtime.registry.get(provider).manifest;
    throw new SallyportError('CREDENTIAL_LEASED', `Machine ${holder} on host ${row.host} holds the ${title} login.`, {
      hint: `Stop it there. If that host is gone for good, destroy it (POST /api/vms/${holder}/destroy) and log in again.`,
      details: { machineId: holder },
    });
  }
  await loseCredentials(runtime, { userId, machineId: holder }, false);
}

/** Removes a provider's credential from a stopped machine's disk. */
export async function removeCredential(runtime: Runtime, machine: Machine, provider: string): Promise<void> {
  await machine.disk.remove(provider, pathsOnDisk(runtime, provider));
  await runtime.store.machines.noteInjected(machine.id, provider, null);
}

/** Every file that a lease writes to a disk. */
function pathsOnDisk(runtime: Runtime, provider: string): readonly string[] {
  return [...credentialPaths(runtime.registry.get(provider).manifest.credentials, 'cli'), DISK_NONCE_PATH];
}

/** Whether the disk or the store failed, which says nothing about the credential. */
function isMachineFault(thrown: unknown): boolean {
  return (
    SallyportError.isInstance(thrown) && /^(MACHINE|STORE|AGENT|EGRESS)_/.test(thrown.code) && !isUnsafeFile(thrown)
  );
}
