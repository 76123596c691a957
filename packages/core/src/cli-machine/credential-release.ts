import type { Withheld } from './cli-machine.ts';
import { secretSha256 } from '../credentials/bundle.ts';
import { invalidateCredential } from './invalidate-credential.ts';
import { loginNeeded } from '../credentials/login-needed.ts';
import { collectCredential, credentialPaths, leftoverPaths, placeCredential } from '../credentials/place.ts';
import { SallyportError, toSallyportError } from '../base/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { CredentialRecord, MachineRecord } from '../contracts/store.ts';
import { loseCredentials, settleCredentials } from './credential-exchange.ts';
import { DISK_NONCE_PATH, newDiskNonce } from './disk-nonce.ts';
import type { Machine } from '../contracts/driver.ts';

/**
 * Credentials on their way from the ledger to a stopped CLI machine. One holder, one version: what lies on the disk
 * is compared, not what a note says of it, since a disk may have been put back to an earlier time. What cannot
 * be released does not lie on the disk either, and keeps no other provider from working.
 */

export interface ReleaseRequest {
  readonly userId: string;
  readonly machineId: string;
  readonly signal: AbortSignal;
}

export interface Holdings {
  /** What lies on the machine's disk. */
  readonly injected: MachineRecord['injected'];
  /** What is stored. */
  readonly credentials: readonly CredentialRecord[];
  readonly withheld: ReadonlyMap<string, Withheld>;
}

/**
 * Providers whose stored version is another than the one on the machine's disk, or gone. A login that has ended, or
 * that was withheld, is on no list: it is not given out, so a restart would bring nothing.
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

/** The same of a machine as its row and the store are now. */
export async function staleProviders(
  runtime: Runtime,
  userId: string,
  machineId: string,
  withheld: ReadonlyMap<string, Withheld>,
): Promise<readonly string[]> {
  const [row, credentials] = await Promise.all([
    runtime.store.machines.get(machineId),
    runtime.store.credentials.list(userId),
  ]);
  return findStale(runtime, { injected: row?.injected ?? {}, credentials, withheld });
}

/** Puts the newest version of every connected provider on a stopped machine's disk, and removes what is not for it. */
export async function releaseCredentials(
  runtime: Runtime,
  machine: Machine,
  request: ReleaseRequest,
): Promise<ReadonlyMap<string, Withheld>> {
  const [row, stored] = await Promise.all([
    runtime.store.machines.get(machine.id),
    runtime.store.credentials.list(request.userId),
  ]);
  const before = row?.injected ?? {};
  // What it holds of a provider that is no longer configured stays as it lies.
  const injected: Record<string, number> = { ...before };
  const withheld = new Map<string, Withheld>();

  const remove = async (provider: string): Promise<void> => {
    await machine.disk.remove(provider, pathsOnDisk(runtime, provider));
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
      // That a login has ended is told when it ends.
      if (error.code === 'CREDENTIAL_INVALID') continue;
      const { userId } = request;
      runtime.emit({ type: 'credential.withheld', userId, provider, machineId: machine.id, code: error.code });
    }
  }
  await runtime.store.machines.update(machine.id, { injected });
  return withheld;
}

/** Asks the plugins whether this login may go on a machine. Throws `CREDENTIAL_REFUSED` where one says no. */
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

/** Returns the version that lies on the disk now. */
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

  const existing = await machine.disk.harvest(provider, credentialPaths(manifest.credentials, 'cli'));
  const onDisk = secretSha256(manifest.credentials, collectCredential(manifest.credentials, existing, 'cli'));
  // A key has no file of its own: there, the note says what the machine has.
  const isNoted = credential.facts.rotates === false && request.noted === credential.version;
  const isPlaced = existing.length > 0 ? onDisk === standing?.sha256 : isNoted;
  // What does not rotate cannot be out of date on an old disk.
  const nonce = credential.facts.rotates === false ? undefined : newDiskNonce();
  if (isPlaced) {
    // Before the lease: a server that ends in between must not find a lease that its disk contradicts.
    if (nonce) await machine.disk.inject(provider, [nonce.file]);
  } else {
    await checkRelease(runtime, credential, request);
    // Until it is noted again, the lease alone does not mean that the machine has run with it.
    if (request.noted !== undefined) await noteRemoved(runtime, machine.id, provider);
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
 * Another machine holds it. One on this host is stopped and read. One that is gone has lost it. One on another host
 * keeps it: nobody here can tell whether it runs.
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

/** Takes one provider's credential off a stopped machine's disk. */
export async function removeCredential(runtime: Runtime, machine: Machine, provider: string): Promise<void> {
  await machine.disk.remove(provider, pathsOnDisk(runtime, provider));
  await noteRemoved(runtime, machine.id, provider);
}

/** Every file that a lease puts on a disk. */
function pathsOnDisk(runtime: Runtime, provider: string): readonly string[] {
  return [...credentialPaths(runtime.registry.get(provider).manifest.credentials, 'cli'), DISK_NONCE_PATH];
}

async function noteRemoved(runtime: Runtime, machineId: string, provider: string): Promise<void> {
  const noted = (await runtime.store.machines.get(machineId))?.injected ?? {};
  if (noted[provider] === undefined) return;
  const { [provider]: _removed, ...injected } = noted;
  await runtime.store.machines.update(machineId, { injected });
}

/** The disk or the store does not work, which is nothing about one login. */
function isMachineFault(thrown: unknown): boolean {
  return SallyportError.isInstance(thrown) && /^(MACHINE|STORE|AGENT|EGRESS)_/.test(thrown.code);
}
