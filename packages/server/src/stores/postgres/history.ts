import { sql } from 'kysely';

import { liveSessionStatuses, type HistoryStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid } from './json.ts';

/** Ended logins and prompts. Their events go with them, by foreign keys. */
export function createHistoryStore(database: Database): HistoryStore {
  return {
    erase: async (userId, provider) => {
      if (!isUuid(userId)) return 0;
      return database.run(async (tables) => {
        const gone = await tables
          .with('sessions', (statement) =>
            statement
              .deleteFrom('auth_sessions')
              .where('user_id', '=', userId)
              .where('status', 'not in', liveSessionStatuses)
              .$if(provider !== undefined, (query) => query.where('provider', '=', provider ?? ''))
              .returning('session_id as id'),
          )
          .with('ended', (statement) =>
            statement
              .deleteFrom('prompts')
              .where('user_id', '=', userId)
              .where('status', '<>', 'running')
              .$if(provider !== undefined, (query) => query.where('provider', '=', provider ?? ''))
              .returning('prompt_id as id'),
          )
          .selectFrom('sessions')
          .select('id')
          .unionAll((union) => union.selectFrom('ended').select('id'))
          .execute();
        return gone.length;
      });
    },
    prune: async (ageMs, limit) => {
      const time = sql<Date>`now() - make_interval(secs => ${ageMs / 1000})`;
      const sessions = await database.run((tables) =>
        tables
          .deleteFrom('auth_sessions')
          .where('session_id', 'in', (sub) =>
            sub
              .selectFrom('auth_sessions')
              .select('session_id')
              .where('status', 'not in', liveSessionStatuses)
              .where('updated_at', '<=', time)
              .orderBy('updated_at')
              .limit(limit)
              // Another server may be deleting the same: it need not be waited for.
              .forUpdate()
              .skipLocked(),
          )
          .executeTakeFirst(),
      );
      const prompts = await database.run((tables) =>
        tables
          .deleteFrom('prompts')
          .where('prompt_id', 'in', (sub) =>
            sub
              .selectFrom('prompts')
              .select('prompt_id')
              .where('status', '<>', 'running')
              .where(sql<Date>`coalesce(ended_at, created_at)`, '<=', time)
              .orderBy(sql`coalesce(ended_at, created_at)`)
              .limit(limit)
              // Another server may be deleting the same: it need not be waited for.
              .forUpdate()
              .skipLocked(),
          )
          .executeTakeFirst(),
      );
      return Number(sessions.numDeletedRows) + Number(prompts.numDeletedRows);
    },
  };
}
