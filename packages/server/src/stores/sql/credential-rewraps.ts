import type { CredentialStore } from '@sallyport/core/store';

import { toCredentialRecord } from './credential-record.ts';
import type { StoreDatabase } from './database.ts';
import { hexFrom } from './json.ts';

/** What replacing a master key needs. It looks at the credentials of all users. */
export function createRewraps(
  database: StoreDatabase,
): Pick<CredentialStore, 'keysInUse' | 'underOlderKeys' | 'rewrap'> {
  return {
    keysInUse: async () => (await database.read('list_master_keys_in_use', {})) ?? [],
    underOlderKeys: async (keyId, limit, after) => {
      const rows = await database.read('list_credentials_under_older_keys', {
        p_key_id: keyId,
        p_limit: limit,
        p_after_user_id: after?.userId ?? null,
        p_after_provider: after?.provider ?? null,
      });
      return (rows ?? []).map(toCredentialRecord);
    },
    rewrap: async ({ userId, provider, version, sealed }, { salt, wrappedKey, keyId }) => {
      const isReplaced = await database.write('rewrap_credential', {
        p_user_id: userId,
        p_provider: provider,
        p_version: version,
        p_key_id: sealed.keyId,
        p_wrapped_key: hexFrom(sealed.wrappedKey),
        p_new_key_id: keyId,
        p_new_wrapped_key: hexFrom(wrappedKey),
        p_new_encryption_salt: salt,
      });
      return isReplaced ?? false;
    },
  };
}
