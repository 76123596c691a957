import { sql } from 'kysely';

import type { CredentialStore } from '@sallyport/core';

import { toCredentialRecord } from './credential-record.ts';
import type { Database } from './database.ts';

/** What keeps logins alive and warns of their end: it looks at everybody's credentials. */
export function createUpkeep(
  database: Database,
): Pick<CredentialStore, 'setVerified' | 'endingBefore' | 'noteWarning'> {
  return {
    setVerified: async (userId, provider, version) => {
      await database.run((tables) =>
        tables
          .updateTable('provider_credentials')
          .set({ last_verified: sql`now()` })
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .where('version', '=', version)
          .execute(),
      );
    },
    endingBefore: async (time) => {
      const rows = await database.run((tables) =>
        tables
          .selectFrom('provider_credentials')
          .selectAll()
          .where('valid', '=', true)
          .where(sql<boolean>`(facts ->> 'loginExpiresAt')::numeric < ${time}`)
          .execute(),
      );
      return rows.map(toCredentialRecord);
    },
    noteWarning: async (userId, provider, loginExpiresAt) => {
      const end = String(Math.round(loginExpiresAt));
      const noted = await database.run((tables) =>
        tables
          .updateTable('provider_credentials')
          .set({ warned_for: end })
          .where('user_id', '=', userId)
          .where('provider', '=', provider)
          .where(sql<boolean>`warned_for is distinct from ${end}::bigint`)
          .returning('provider')
          .executeTakeFirst(),
      );
      return noted !== undefined;
    },
  };
}
