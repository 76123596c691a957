import { sql } from 'kysely';

import { IDEMPOTENCY_KEPT_MS, SallyportError } from '@sallyport/core';
import type { IdempotencyRecord, IdempotencyScope, IdempotencyStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid } from './json.ts';

/** All times are the database's: clocks of hosts differ. */
const oldest = sql<Date>`now() - make_interval(secs => ${IDEMPOTENCY_KEPT_MS / 1000})`;
const ageMs = sql<number>`(extract(epoch from now() - created_at) * 1000)::double precision`;

/** The key can be freed between the refused claim and the look at it; then the claim is tried again. */
const ATTEMPTS = 3;

export function createIdempotencyStore(database: Database): IdempotencyStore {
  return {
    claim: async (scope, { bodyHash, resourceId }) => {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const claimed = await database.run((tables) =>
          tables
            .insertInto('idempotency_keys')
            .values({ ...toKey(scope), body_sha256: bodyHash, resource_id: resourceId })
            .onConflict((conflict) =>
              conflict
                .columns(['user_id', 'route', 'key'])
                .doUpdateSet({
                  body_sha256: bodyHash,
                  resource_id: resourceId,
                  completed: false,
                  created_at: sql`now()`,
                })
                .where('idempotency_keys.created_at', '<=', oldest),
            )
            .returning('resource_id')
            .executeTakeFirst(),
        );
        if (claimed) return undefined;
        const found = await find(database, scope);
        if (found) return found;
      }
      throw new SallyportError('STORE_CONFLICT', 'Other requests with this Idempotency-Key come and go.');
    },
    complete: async (scope, resourceId) => {
      await database.run((tables) =>
        tables
          .updateTable('idempotency_keys')
          .set({ completed: true })
          .where((row) => row.and(toKey(scope)))
          .where('resource_id', '=', resourceId)
          .execute(),
      );
    },
    release: async (scope, resourceId) => {
      await database.run((tables) =>
        tables
          .deleteFrom('idempotency_keys')
          .where((row) => row.and(toKey(scope)))
          .where('resource_id', '=', resourceId)
          .execute(),
      );
    },
    erase: async (userId) => {
      if (!isUuid(userId)) return;
      await database.run((tables) => tables.deleteFrom('idempotency_keys').where('user_id', '=', userId).execute());
    },
    prune: async (limit) => {
      const gone = await database.run((tables) =>
        tables
          .deleteFrom('idempotency_keys')
          .where('resource_id', 'in', (sub) =>
            sub.selectFrom('idempotency_keys').select('resource_id').where('created_at', '<=', oldest).limit(limit),
          )
          .where('created_at', '<=', oldest)
          .executeTakeFirst(),
      );
      return Number(gone.numDeletedRows);
    },
  };
}

async function find(database: Database, scope: IdempotencyScope): Promise<IdempotencyRecord | undefined> {
  const row = await database.run((tables) =>
    tables
      .selectFrom('idempotency_keys')
      .select(['body_sha256', 'resource_id', 'completed', ageMs.as('age_ms')])
      .where((where) => where.and(toKey(scope)))
      .where('created_at', '>', oldest)
      .executeTakeFirst(),
  );
  return (
    row && {
      bodyHash: row.body_sha256,
      resourceId: row.resource_id,
      isCompleted: row.completed,
      ageMs: Math.max(0, row.age_ms),
    }
  );
}

function toKey({ userId, route, key }: IdempotencyScope) {
  return { user_id: userId, route, key };
}
