import type { CredentialRecord, MachineRecord } from '../contracts/store.ts';
import type { Withheld } from './holder.ts';
import type { CustodyParts } from './parts.ts';

export interface Holdings {
  /** What is on the machine's disk. */
  readonly injected: MachineRecord['injected'];
  /** What is stored. */
  readonly credentials: readonly CredentialRecord[];
  readonly withheld: ReadonlyMap<string, Withheld>;
}

/** See {@link Custody.stale}. */
export function findStale(
  { registry }: Pick<CustodyParts, 'registry'>,
  { injected, credentials, withheld }: Holdings,
): readonly string[] {
  const stored = new Map(credentials.map((credential) => [credential.provider, credential]));
  const providers = new Set([...Object.keys(injected), ...stored.keys()]);
  return [...providers].filter((provider) => {
    const credential = stored.get(provider);
    if (!registry.has(provider) || credential?.valid === false) return false;
    const isWithheld = credential !== undefined && withheld.get(provider)?.version === credential.version;
    return injected[provider] !== credential?.version && !isWithheld;
  });
}

/** See {@link Custody.staleNow}. */
export async function staleProviders(
  parts: CustodyParts,
  userId: string,
  machineId: string,
  withheld: ReadonlyMap<string, Withheld>,
): Promise<readonly string[]> {
  const [injected, credentials] = await Promise.all([
    injectedOn(parts, machineId),
    parts.store.credentials.list(userId),
  ]);
  return findStale(parts, { injected, credentials, withheld });
}

export async function injectedOn(parts: CustodyParts, machineId: string): Promise<MachineRecord['injected']> {
  return (await parts.store.machines.get(machineId))?.injected ?? {};
}
