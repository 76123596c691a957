import { SallyportError } from '../base/errors.ts';
import type { WriteAudit } from './memory-audit.ts';
import type { CredentialHolder, CredentialRecord, CredentialStore } from '../contracts/store.ts';

interface Entry {
  readonly record: CredentialRecord;
  /** Hash of every version there was → its number. */
  readonly hashes: ReadonlyMap<string, number>;
  readonly lineages: ReadonlyMap<string, number>;
  readonly holder: CredentialHolder | undefined;
  /** The end of the login that the user was warned of. */
  readonly warnedFor: number | undefined;
}

export interface MemoryCredentialParts {
  readonly now: () => Date;
  readonly writeAudit: WriteAudit;
  /** The version that is noted for a machine. */
  readonly versionOn: (machineId: string, provider: string) => number | undefined;
}

export function memoryCredentials({ now, writeAudit, versionOn }: MemoryCredentialParts): CredentialStore & {
  readonly holding: (userId: string, provider: string) => string | undefined;
} {
  const entries = new Map<string, Entry>();
  const keyOf = (userId: string, provider: string): string => JSON.stringify([userId, provider]);
  const allValid = (): readonly CredentialRecord[] =>
    structuredClone([...entries.values()].map(({ record }) => record).filter((record) => record.valid));

  return {
    current: async (userId, provider) => structuredClone(entries.get(keyOf(userId, provider))?.record),
    list: async (userId) =>
      structuredClone([...entries.values()].map(({ record }) => record).filter((record) => record.userId === userId)),
    append: async ({ valid = true, verified = false, ...version }, expectedVersion, audit) => {
      const key = keyOf(version.userId, version.provider);
      const entry = entries.get(key);
      const stored = entry?.record.version ?? 0;
      if (stored !== expectedVersion) {
        throw new SallyportError(
          'CREDENTIAL_STALE',
          `Version ${stored} of the ${version.provider} credential is stored, not ${expectedVersion}.`,
        );
      }
      const at = now();
      const record: CredentialRecord = {
        ...structuredClone(version),
        version: stored + 1,
        valid,
        // Kept with its reason: a rotation does not end it.
        invalidReason: valid ? null : (entry?.record.invalidReason ?? 'refused'),
        lastVerified: verified ? at : null,
        createdAt: entry?.record.createdAt ?? at,
        updatedAt: at,
      };
      const hashes = new Map(entry?.hashes).set(version.sha256, record.version);
      const { lineage } = version.facts;
      const lineages = new Map(entry?.lineages);
      if (lineage !== undefined) lineages.set(lineage, record.version);
      entries.set(key, { record, hashes, lineages, holder: entry?.holder, warnedFor: entry?.warnedFor });
      writeAudit(audit);
      return structuredClone(record);
    },
    seen: async (userId, provider, sha256) => entries.get(keyOf(userId, provider))?.hashes.get(sha256),
    seenLineage: async (userId, provider, lineage) => entries.get(keyOf(userId, provider))?.lineages.get(lineage),
    setValid: async (userId, provider, valid, reason = 'refused', audit) => {
      const entry = entries.get(keyOf(userId, provider));
      if (!entry) return;
      const at = now();
      const { lastVerified } = entry.record;
      const change = valid ? { invalidReason: null, lastVerified: at } : { invalidReason: reason, lastVerified };
      entries.set(keyOf(userId, provider), { ...entry, record: { ...entry.record, ...change, valid, updatedAt: at } });
      writeAudit(audit);
    },
    setVerified: async (userId, provider, machineId) => {
      const entry = entries.get(keyOf(userId, provider));
      if (!entry || entry.record.version !== versionOn(machineId, provider)) return;
      entries.set(keyOf(userId, provider), { ...entry, record: { ...entry.record, lastVerified: now() } });
    },
    endingBefore: async (time) =>
      allValid().filter(({ userId, provider, facts: { loginExpiresAt = Infinity } }) => {
        const isWarned = entries.get(keyOf(userId, provider))?.warnedFor === loginExpiresAt;
        return loginExpiresAt < time && !isWarned;
      }),
    noteWarning: async (userId, provider, loginExpiresAt) => {
      const entry = entries.get(keyOf(userId, provider));
      if (!entry || entry.warnedFor === loginExpiresAt) return false;
      entries.set(keyOf(userId, provider), { ...entry, warnedFor: loginExpiresAt });
      return true;
    },
    keysInUse: async () => [...new Set([...entries.values()].map(({ record }) => record.sealed.keyId))].toSorted(),
    underOlderKeys: async (keyId, limit, after) => {
      const isAfter = ({ userId, provider }: CredentialRecord): boolean =>
        !after || userId > after.userId || (userId === after.userId && provider > after.provider);
      const records = [...entries.values()].map(({ record }) => record);
      const older = records.filter((record) => record.sealed.keyId < keyId && isAfter(record));
      const placeOf = ({ userId, provider }: CredentialRecord): string => `${userId}\0${provider}`;
      return structuredClone(older.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)).slice(0, limit));
    },
    rewrap: async ({ userId, provider, version, sealed: { keyId, wrappedKey } }, next) => {
      const entry = entries.get(keyOf(userId, provider));
      const sealed = entry?.record.sealed;
      const isSame =
        entry?.record.version === version &&
        sealed?.keyId === keyId &&
        Buffer.compare(sealed.wrappedKey, wrappedKey) === 0;
      if (!isSame) return false;
      const { salt, wrappedKey: rewrapped, keyId: newKeyId } = structuredClone(next);
      const record = { ...entry.record, sealed: { ...sealed, salt, wrappedKey: rewrapped, keyId: newKeyId } };
      entries.set(keyOf(userId, provider), { ...entry, record });
      return true;
    },
    erase: async (userId, provider, audit) => {
      if (entries.delete(keyOf(userId, provider))) writeAudit(audit);
    },
    lease: async (userId, provider, lease) => {
      const entry = entries.get(keyOf(userId, provider));
      if (!entry) throw new SallyportError('CREDENTIAL_NOT_CONNECTED', `There is no ${provider} credential to lease.`);
      const other = entry.holder?.machineId;
      if (other !== undefined && other !== lease.machineId) {
        throw new SallyportError('CREDENTIAL_LEASED', `Machine ${other} holds the ${provider} credential.`, {
          details: { machineId: other },
        });
      }
      entries.set(keyOf(userId, provider), { ...entry, holder: { ...lease } });
    },
    release: async (userId, provider, machineId) => {
      const entry = entries.get(keyOf(userId, provider));
      if (entry?.holder?.machineId === machineId) entries.set(keyOf(userId, provider), { ...entry, holder: undefined });
    },
    holder: async (userId, provider) => entries.get(keyOf(userId, provider))?.holder,
    holding: (userId, provider) => entries.get(keyOf(userId, provider))?.holder?.machineId,
  };
}
