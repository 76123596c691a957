import { sql, type RawBuilder } from 'kysely';

import {
  SallyportError,
  type CredentialRecord,
  type CredentialStore,
  type InvalidReason,
  type NewCredentialVersion,
} from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid, storableJson } from './json.ts';
import { toCredentialRecord } from './credential-record.ts';
import { createUpkeep } from './credential-upkeep.ts';
import { createLeases } from './leases.ts';

/**
 * `provider_credentials` holds the current version of each credential, so replacing it is what forgets the bytes of
 * the one before. `provider_credential_versions` remembers the hash and facts of all.
 */
export function createCredentialStore(database: Database): CredentialStore {
  return {
    ...createLeases(database),
    ...createUpkeep(database),
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
      return row && toCredentialRecord(row);
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
      return rows.map(toCredentialRecord);
    },
    append: (version, expectedVersion) => append(database, version, expectedVersion),
    seen: (userId, provider, sha256) => newestWhere(database, userId, provider, sql`sha256 = ${sha256}`),
    seenLineage: (userId, provider, lineage) =>
      newestWhere(database, userId, provider, sql`facts ->> 'lineage' = ${lineage}`),
    setValid: async (userId, provider, valid, reason = 'refused') => {
      const change = valid ? { invalid_reason: null, last_verified: sql<Date>`now()` } : { invalid_reason: reason };
      await database.run((tables) =>
        tables
          .updateTable('provider_credentials')
          .set({ valid, updated_at: sql`now()`, ...change })
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

/** The newest of the user's versions, of all that were ever stored, that meets the condition. */
async function newestWhere(
  database: Database,
  userId: string,
  provider: string,
  condition: RawBuilder<boolean>,
): Promise<number | undefined> {
  if (!isUuid(userId)) return undefined;
  const row = await database.run((tables) =>
    tables
      .selectFrom('provider_credential_versions')
      .select((version) => version.fn.max('version').as('version'))
      .where('user_id', '=', userId)
      .where('provider', '=', provider)
      .where(condition)
      .executeTakeFirst(),
  );
  return row?.version ?? undefined;
}

async function append(
  database: Database,
  version: NewCredentialVersion,
  expectedVersion: number,
): Promise<CredentialRecord> {
  const row = toRow(version, expectedVersion + 1);
  // A rotation of a login that has ended does not change why it has.
  const keepReason = row.valid ? {} : { invalid_reason: sql<InvalidReason>`coalesce(invalid_reason, 'refused')` };
  const stored = await database.transaction(async (tables) => {
    // Both forms change nothing if the stored version is another one.
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
            .set({ ...row, ...keepReason, updated_at: sql`now()` })
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
  if (stored) return toCredentialRecord(stored);
  throw new SallyportError(
    'CREDENTIAL_STALE',
    `The stored credential for ${version.provider} is not version ${expectedVersion} any more.`,
    { details: { provider: version.provider, expectedVersion } },
  );
}

function toRow(version: NewCredentialVersion, number: number) {
  const { valid = true } = version;
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
    valid,
    invalid_reason: valid ? null : ('refused' as const),
    last_verified: version.verified ? sql<Date>`now()` : null,
  };
}
