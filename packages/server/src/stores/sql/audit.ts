import { storableJson } from '@sallyport/core';
import type { AuditStore } from '@sallyport/core';

import type { StoreDatabase } from './database.ts';
import { dateFrom } from './json.ts';

export function createAuditStore(database: StoreDatabase): AuditStore {
  return {
    append: async ({ at, type, userId, data }) => {
      await database.write('append_audit', {
        p_at: at.toISOString(),
        p_type: type,
        p_user_id: userId,
        p_data: storableJson(data),
      });
    },
    list: async (limit) => {
      const rows = await database.read('list_audit', { p_limit: limit });
      return (rows ?? []).map((row) => ({
        at: dateFrom(row.at),
        type: row.type,
        userId: row.user_id,
        data: row.data,
      }));
    },
  };
}
