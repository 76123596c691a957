import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { PlacedFile } from '../contracts/credential-files.ts';
import type { Machine } from '../contracts/driver.ts';
import type { CredentialRecord, MachineRecord } from '../contracts/store.ts';
import { examine } from '../credentials/examine.ts';
import { loginNeeded } from '../credentials/login-needed.ts';
import { withoutDamagedSettings } from '../credentials/missing-parts.ts';
import { collectCredential, leftoverPaths, placeCredential } from '../credentials/place.ts';
import { checkRelease } from './check-release.ts';
import type { ReleaseRequest } from './check-release.ts';
import { DISK_NONCE_PATH, newDiskNonce } from './disk-nonce.ts';
import { harvestCredential } from './harvest.ts';
import type { Withheld } from './holder.ts';
import { injectedOn } from './holdings.ts';
import { invalidateCredential } from './invalidate.ts';
import { loseCredentials } from './lose.ts';
import type { CustodyParts } from './parts.ts';
import { pathsOnDisk } from './remove.ts';
import { settleCredentials } from './settle.ts';
import { isStoredVersion } from './stored-version.ts';
import { isUnsafeFile, removeWhereSafe } from './unsafe-file.ts';

/** See {@link Custody.release}. */
export async function releaseCredentials(
  parts: CustodyParts,
  machine: Machine,
  request: ReleaseRequest & { readonly isNew: boolean },
): Promise<ReadonlyMap<string, Withheld>> {
  const none: MachineRecord['injected'] = {};
  const [before, stored] = await Promise.all([
    request.isNew ? none : injectedOn(parts, machine.id),
    parts.store.credentials.list(request.userId),
  ]);
  // Credentials of a provider that is no longer configured stay on the disk.
  const injected: Record<string, number> = { ...before };
  const withheld = new Map<string, Withheld>();

  const remove = async (provider: string): Promise<void> => {
    await removeWhereSafe(machine, provider, pathsOnDisk(parts, provider));
    delete injected[provider];
  };
  for (const provider of Object.keys(before)) {
    const isStored = stored.some((credential) => credential.provider === provider);
    if (!isStored && parts.registry.has(provider)) await remove(provider);
  }
  for (const credential of stored) {
    const { provider, version } = credential;
    if (!parts.registry.has(provider)) continue;
    try {
      injected[provider] = await releaseOne(parts, machine, credential, { ...request, noted: before[provider] });
    } catch (thrown) {
      request.signal.throwIfAborted();
      if (isMachineFault(thrown)) throw thrown;
      const error = toSallyportError(thrown, 'CREDENTIAL_REFUSED', `The ${provider} login was not released.`);
      withheld.set(provider, { version, error });
      await remove(provider);
      // An expired credential is reported when it expires.
      if (error.code === 'CREDENTIAL_INVALID') continue;
      const { userId } = request;
      parts.emit({ type: 'credential.withheld', userId, provider, machineId: machine.id, code: error.code });
    }
  }
  await parts.store.machines.update(machine.id, { injected });
  return withheld;
}

/** Reads a credential's files, or removes them where one is unsafe to read. A link is removed, not what it points to. */
async function harvestOrRemove(
  parts: CustodyParts,
  machine: Machine,
  provider: string,
): Promise<readonly PlacedFile[]> {
  const { credentials } = parts.registry.get(provider).manifest;
  try {
    return await harvestCredential(machine, provider, credentials);
  } catch (error) {
    if (!isUnsafeFile(error)) throw error;
    await removeWhereSafe(machine, provider, pathsOnDisk(parts, provider));
    return [];
  }
}

/** Returns the version that is now on the disk. */
async function releaseOne(
  parts: CustodyParts,
  machine: Machine,
  credential: CredentialRecord,
  request: ReleaseRequest & { readonly noted: number | undefined },
): Promise<number> {
  const { userId } = request;
  const { provider } = credential;
  const { manifest } = parts.registry.get(provider);
  if (!credential.valid) throw loginNeeded(manifest.title, credential.invalidReason);
  const standing = await parts.ledger.standing(userId, provider);
  if (standing?.rolledBack)
    await invalidateCredential(parts, { userId, provider, reason: 'rolled-back', version: standing.version });
  else if (standing?.holder !== undefined && standing.holder !== machine.id) {
    await takeOver(parts, userId, provider, standing.holder);
  }

  const existing = await harvestOrRemove(parts, machine, provider);
  const { credentials } = manifest;
  const found = withoutDamagedSettings(credentials, collectCredential(credentials, existing, 'cli'));
  const onDisk = examine(parts.registry.get(provider), found);
  // A key does not have a file, so the record says what the machine has.
  const isNoted = credential.facts.rotates === false && request.noted === credential.version;
  const isPlaced = existing.length > 0 ? isStoredVersion(onDisk, standing) : isNoted;
  // A credential that does not rotate cannot be out of date on an old disk.
  const nonce = credential.facts.rotates === false ? undefined : newDiskNonce();
  if (isPlaced) {
    // Written before the lease: if the server ends in between, it must not find a lease that the disk contradicts.
    if (nonce) await machine.disk.inject(provider, [nonce.file]);
  } else {
    await checkRelease(parts, credential, request);
    // Until it is recorded again, the lease alone does not mean that the machine ran with it.
    if (request.noted !== undefined) await parts.store.machines.noteInjected(machine.id, provider, null);
  }
  const released = await parts.ledger.release({
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
    parts.emit({ type: 'credential.injected', userId, provider, version, machineId: machine.id });
  }
  return version;
}

/**
 * Takes the credential over from another machine. A machine on this host is stopped and read. One that is gone has
 * lost it. One on another host keeps it: this host cannot tell whether it runs.
 */
async function takeOver(parts: CustodyParts, userId: string, provider: string, holder: string): Promise<void> {
  const row = await parts.store.machines.get(holder);
  const ref = (await parts.driver.list()).find(({ machineId }) => machineId === holder);
  const other = ref && (await parts.driver.adopt(ref));
  if (other) {
    await other.stop({ deadlineMs: 2_000 });
    await settleCredentials(parts, userId, other);
    return;
  }
  if (row && row.host !== parts.host && row.state !== 'lost' && row.state !== 'destroyed') {
    const { title } = parts.registry.get(provider).manifest;
    throw new SallyportError('CREDENTIAL_LEASED', `Machine ${holder} on host ${row.host} holds the ${title} login.`, {
      hint: `Stop it there. If that host is gone for good, destroy it (POST /api/vms/${holder}/destroy) and log in again.`,
      details: { machineId: holder },
    });
  }
  await loseCredentials(parts, { userId, machineId: holder }, false);
}

/** Whether the disk or the store failed, which says nothing about the credential. */
function isMachineFault(thrown: unknown): boolean {
  return (
    SallyportError.isInstance(thrown) && /^(MACHINE|STORE|AGENT|EGRESS)_/.test(thrown.code) && !isUnsafeFile(thrown)
  );
}
