import { sql } from 'kysely';

import { HEARTBEAT_FRESH_MS, type ServerStore } from '@sallyport/core';

import type { Database } from './database.ts';

/** Which server owns each host's rows. All times are the database's: clocks of hosts differ. */
export function createServerStore(database: Database): ServerStore {
  const isFresh = sql<boolean>`coalesce(heartbeat_at > now() - make_interval(secs => ${HEARTBEAT_FRESH_MS / 1000}), false)`;
  return {
    get: async (host) => {
      const row = await database.run((tables) =>
        tables
          .selectFrom('servers')
          .select(['epoch', isFresh.as('is_fresh')])
          .where('host', '=', host)
          .executeTakeFirst(),
      );
      return row && { host, epoch: row.epoch, isFresh: row.is_fresh };
    },
    claim: async (host, expectedEpoch) => {
      const epoch = expectedEpoch + 1;
      const row = await database.run((tables) =>
        expectedEpoch === 0
          ? tables
              .insertInto('servers')
              .values({ host, epoch, heartbeat_at: sql`now()` })
              .onConflict((conflict) => conflict.column('host').doNothing())
              .returning('epoch')
              .executeTakeFirst()
          : tables
              .updateTable('servers')
              .set({ epoch, heartbeat_at: sql`now()` })
              .where('host', '=', host)
              .where('epoch', '=', expectedEpoch)
              .returning('epoch')
              .executeTakeFirst(),
      );
      if (row) database.fence({ host, epoch });
      return row !== undefined;
    },
    beat: async (host, epoch) => {
      const row = await database.run((tables) =>
        tables
          .updateTable('servers')
          .set({ heartbeat_at: sql`now()` })
          .where('host', '=', host)
          .where('epoch', '=', epoch)
          .returning('epoch')
          .executeTakeFirst(),
      );
      if (!row) database.supersede({ host, epoch });
      return row !== undefined;
    },
    release: async (host, epoch) => {
      await database.run((tables) =>
        tables
          .updateTable('servers')
          .set({ heartbeat_at: null })
          .where('host', '=', host)
          .where('epoch', '=', epoch)
          .execute(),
      );
    },
  };
}
