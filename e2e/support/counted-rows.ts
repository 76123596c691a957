import type { Client } from 'pg';

import { functionCall } from '../../packages/server/src/stores/routes/function-call.ts';
import { toStoreError } from '../../packages/server/src/stores/routes/postgres-error.ts';
import type { DatabaseRoute } from '../../packages/server/src/stores/sql/database.ts';

/** A way to the database that counts what each call reads and takes back what it changes. */
export interface CountingRoute extends DatabaseRoute {
  /** Rows and index entries that were read since the last time. */
  take(): number;
}

/** Calls as the role that a server logs in as, so that row-level security takes part in the plans. */
export function openCountingRoute(client: Client): CountingRoute {
  let read = 0;
  return {
    call: async (name, args) => {
      await client.query('begin');
      try {
        const before = await readSoFar(client);
        await client.query('set local role sallyport_server');
        const { rows } = await client.query(functionCall(name, args));
        await client.query('reset role');
        read += (await readSoFar(client)) - before;
        return rows[0].result.value;
      } catch (error) {
        throw toStoreError(error);
      } finally {
        await client.query('rollback');
      }
    },
    take: () => {
      const taken = read;
      read = 0;
      return taken;
    },
    close: async () => undefined,
  };
}

/** Includes what earlier transactions of this connection have read. Rows that are found by an index count as entries of that index. */
async function readSoFar(client: Client): Promise<number> {
  const { rows } = await client.query(`
    select sum(pg_stat_get_xact_tuples_returned(relation.oid)) as read
    from pg_class as relation join pg_namespace as schema on schema.oid = relnamespace
    where nspname = 'sallyport' and relkind in ('r', 'i')`);
  return Number(rows[0].read);
}
