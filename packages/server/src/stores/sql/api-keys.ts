import { storableText } from '@sallyport/core/store';
import type { ApiKeyRecord, ApiKeyStore } from '@sallyport/core/store';

import type { Row, StoreDatabase } from './database.ts';
import { dateFrom } from './json.ts';
import { only } from './only.ts';

export function createApiKeyStore(database: StoreDatabase): ApiKeyStore {
  return {
    create: async ({ keyId, name, role, sha256 }) => {
      const key = { p_key_id: keyId, p_name: storableText(name), p_role: role, p_sha256: sha256 };
      return toRecord(only(await database.write('create_api_key', key)));
    },
    get: async (keyId) => (await database.read('get_api_key', { p_key_id: keyId }))?.map(toRecord)[0],
    list: async () => ((await database.read('list_api_keys', {})) ?? []).map(toRecord),
    noteUse: async (keyId) => {
      await database.write('note_api_key_use', { p_key_id: keyId });
    },
    revoke: async (keyId) => (await database.write('revoke_api_key', { p_key_id: keyId })) ?? false,
  };
}

function toRecord(row: Row<'api_keys'>): ApiKeyRecord {
  return {
    keyId: row.key_id,
    name: row.name,
    role: row.role === 'admin' ? 'admin' : 'service',
    sha256: row.sha256,
    createdAt: dateFrom(row.created_at),
    lastUsedAt: row.last_used_at === null ? null : dateFrom(row.last_used_at),
    revokedAt: row.revoked_at === null ? null : dateFrom(row.revoked_at),
  };
}
