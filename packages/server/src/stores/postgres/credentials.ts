import { sql, type Selectable } from 'kysely';

import {
  SallyportError,
  type CredentialRecord,
  type CredentialStore,
  type NewCredentialVersion,
} from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid, storableJson } from './json.ts';
import { createLeases } from './leases.ts';
import type { Tables } from './tables.ts';

/**
 * `provider_credentials` holds the current version of each credential, so replacing it is what forgets the bytes of
 * the one before. `provider_credential_versions` remembers the hash and facts of all.
 */
export function createCredentialStore(database: Database): CredentialStore {
  return {
    ...createLeases(database),
    current: async (userId, provider) => {
      if (!isUuid(userId)) return undefined;
      const row = await database.run((tables) =>
        tables
          .selectFrom('provider_credentials')
          .selectAll()
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .executeTakeFirst(),
      );
      return row && toRecord(row);
    },
    list: async (userId) => {
      if (!isUuid(userId)) return [];
      const rows = await database.run((tables) =>
        tables
          .selectFrom('provider_credentials')
          .selectAll()
          .where('user_id', '=', userId)
          .orderBy('provider')
          .execute(),
      );
      return rows.map(toRecord);
    },
    append: (version, expectedVersion) => append(database, version, expectedVersion),
    seen: async (userId, provider, sha256) => {
      if (!isUuid(userId)) return undefined;
      const row = await database.run((tables) =>
        tables
          .selectFrom('provider_credential_versions')
          .select((version) => version.fn.max('version').as('version'))
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .where('sha256', '=', sha256)
          .executeTakeFirst(),
      );
      return row?.version ?? undefined;
    },
    setValid: async (userId, provider, valid) => {
      await database.run((tables) =>
        tables
          .updateTable('provider_credentials')
          .set({ valid, updated_at: sql`now()`, ...(valid ? { last_verified: sql`now()` } : {}) })
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .execute(),
      );
    },
    erase: async (userId, provider) => {
      // Takes the older versions and the lease along.
      await database.run((tables) =>
        tables
          .deleteFrom('provider_credentials')
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .execute(),
      );
    },
  };
}

async function append(
  database: Database,
  version: NewCredentialVersion,
  expectedVersion: number,
): Promise<CredentialRecord> {
  const row = toRow(version, expectedVersion + 1);
  const stored = await database.transaction(async (tables) => {
    // Both forms change nothing when the stored version is another one, whoever was first.
    const current =
      expectedVersion === 0
        ? await tables
            .insertInto('provider_credentials')
            .values(row)
            .onConflict((conflict) => conflict.doNothing())
            .returningAll()
            .executeTakeFirst()
        : await tables
            .updateTable('provider_credentials')
            .set({ ...row, last_verified: null, updated_at: sql`now()` })
            .where('user_id', '=', version.userId)
            .where('provider', '=', version.provider)
            .where('version', '=', expectedVersion)
            .returningAll()
            .executeTakeFirst();
    if (!current) return undefined;
    const { credential_id, user_id, provider, version: number, sha256, facts } = row;
    await tables
      .insertInto('provider_credential_versions')
      .values({ credential_id, user_id, provider, version: number, sha256, facts })
      .execute();
    return current;
  });
  if (stored) return toRecord(stored);
  throw new SallyportError(
    'CREDENTIAL_STALE',
    `The stored credential for ${version.provider} is not version ${expectedVersion} any more.`,
    { details: { provider: version.provider, expectedVersion } },
  );
}

function toRow(version: NewCredentialVersion, number: number) {
  return {
    credential_id: version.credentialId,
    user_id: version.userId,
    provider: version.provider,
    version: number,
    sha256: version.sha256,
    facts: storableJson(version.facts),
    encrypted_credentials: Buffer.from(version.sealed.ciphertext),
    encryption_iv: version.sealed.iv,
    encryption_tag: version.sealed.tag,
    encryption_salt: version.sealed.salt,
    wrapped_key: Buffer.from(version.sealed.wrappedKey),
    key_id: version.sealed.keyId,
    valid: version.valid ?? true,
  };
}

function toRecord(row: Selectable<Tables['provider_credentials']>): CredentialRecord {
  return {
    credentialId: row.credential_id,
    userId: row.user_id,
    provider: row.provider,
    version: row.version,
    sha256: row.sha256,
    facts: row.facts,
    sealed: {
      ciphertext: row.encrypted_credentials,
      iv: row.encryption_iv,
      tag: row.encryption_tag,
      salt: row.encryption_salt,
      wrappedKey: row.wrapped_key,
      keyId: row.key_id,
    },
    valid: row.valid,
    lastVerified: row.last_verified,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
