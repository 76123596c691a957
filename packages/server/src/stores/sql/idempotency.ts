import { IDEMPOTENCY_KEPT_MS } from '@sallyport/core/store';
import type { IdempotencyScope, IdempotencyStore } from '@sallyport/core/store';

import type { StoreDatabase } from './database.ts';
import { isUuid } from './json.ts';

const keptSeconds = IDEMPOTENCY_KEPT_MS / 1000;

export function createIdempotencyStore(database: StoreDatabase): IdempotencyStore {
  return {
    claim: async (scope, { bodyHash, resourceId }) => {
      const rows = await database.write('claim_idempotency_key', {
        ...toKey(scope),
        p_body_sha256: bodyHash,
        p_resource_id: resourceId,
        p_kept_seconds: keptSeconds,
      });
      const row = rows?.[0];
      return (
        row && {
          bodyHash: row.body_sha256,
          resourceId: row.resource_id,
          isCompleted: row.completed,
          ageMs: row.age_ms,
        }
      );
    },
    complete: async (scope, resourceId) => {
      await database.write('complete_idempotency_key', { ...toKey(scope), p_resource_id: resourceId });
    },
    release: async (scope, resourceId) => {
      await database.write('release_idempotency_key', { ...toKey(scope), p_resource_id: resourceId });
    },
    erase: async (userId) => {
      if (!isUuid(userId)) return;
      await database.write('erase_idempotency_keys', { p_user_id: userId });
    },
    prune: async (limit) =>
      (await database.write('prune_idempotency_keys', { p_kept_seconds: keptSeconds, p_limit: limit })) ?? 0,
  };
}

function toKey({ userId, route, key }: IdempotencyScope) {
  return { p_user_id: userId, p_route: route, p_key: key };
}
