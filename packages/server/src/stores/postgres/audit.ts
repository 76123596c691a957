import type { AuditStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { storableJson } from './json.ts';

export function createAuditStore(database: Database): AuditStore {
  return {
    append: async ({ at, type, userId, data }) => {
      await database.run((tables) =>
        tables
          .insertInto('audit_log')
          .values({ at, type, user_id: userId, data: storableJson(data) })
          .execute(),
      );
    },
    list: async (limit) => {
      const rows = await database.run((tables) =>
        tables
          .selectFrom('audit_log')
          .select(['at', 'type', 'user_id', 'data'])
          .orderBy('audit_id', 'desc')
          .limit(limit)
          .execute(),
      );
      return rows.map((row) => ({ at: row.at, type: row.type, userId: row.user_id, data: row.data }));
    },
  };
}
