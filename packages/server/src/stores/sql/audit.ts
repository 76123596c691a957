import { auditCursorUnknown, storableJson } from '@sallyport/core/store';
import type { AuditStore } from '@sallyport/core/store';

import type { StoreDatabase } from './database.ts';
import { dateFrom, isUuid } from './json.ts';

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
    list: async ({ limit, before, userId, type, since }) => {
      // Larger ids would not survive as numbers in JSON.
      if (before !== undefined && !/^[1-9]\d{0,14}$/.test(before)) throw auditCursorUnknown();
      if (userId !== undefined && !isUuid(userId)) return [];
      const rows = await database.read('list_audit', {
        p_limit: limit,
        p_before: before === undefined ? null : Number(before),
        p_user_id: userId ?? null,
        p_type: type ?? null,
        p_since: since?.toISOString() ?? null,
      });
      return (rows ?? []).map((row) => ({
        id: String(row.audit_id),
        at: dateFrom(row.at),
        type: row.type,
        userId: row.user_id,
        data: row.data,
      }));
    },
  };
}
