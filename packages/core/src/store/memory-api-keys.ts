import { SallyportError } from '../base/errors.ts';
import type { ApiKeyRecord, ApiKeyStore } from '../contracts/api-key-store.ts';

export function memoryApiKeys(now: () => Date): ApiKeyStore {
  const rows = new Map<string, ApiKeyRecord>();
  return {
    create: async ({ keyId, name, role, sha256 }) => {
      if (rows.has(keyId)) throw new SallyportError('STORE_CONFLICT', `There is an API key ${keyId} already.`);
      const row = { keyId, name, role, sha256, createdAt: now(), lastUsedAt: null, revokedAt: null };
      rows.set(keyId, row);
      return structuredClone(row);
    },
    get: async (keyId) => structuredClone(rows.get(keyId)),
    list: async () => structuredClone([...rows.values()]),
    noteUse: async (keyId) => {
      const row = rows.get(keyId);
      if (row) rows.set(keyId, { ...row, lastUsedAt: now() });
    },
    revoke: async (keyId) => {
      const row = rows.get(keyId);
      if (!row || row.revokedAt !== null) return false;
      rows.set(keyId, { ...row, revokedAt: now() });
      return true;
    },
  };
}
