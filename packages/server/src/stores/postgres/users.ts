import { sql, type Kysely, type Selectable } from 'kysely';

import { FIRST_PROXY_PORT, SallyportError, type UserRecord, type UserStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid, storableText } from './json.ts';
import type { Tables } from './tables.ts';

export function createUserStore(database: Database): UserStore {
  return {
    ensure: async (userId, externalId) => {
      const known = await database.run((tables) => find(tables, userId));
      if (known) return known;
      return database.transaction(async (tables) => {
        // Two new users must not get one port: the second waits here until the first is stored.
        await sql`select pg_advisory_xact_lock(${allotmentLock})`.execute(tables);
        return (await find(tables, userId)) ?? add(tables, userId, externalId);
      });
    },
    get: (userId) => database.run((tables) => find(tables, userId)),
    setMachine: async (userId, machineId) => {
      await database.run((tables) =>
        tables.updateTable('users').set({ vm_id: machineId }).where('user_id', '=', userId).execute(),
      );
    },
    erase: async (userId) => {
      if (!isUuid(userId)) return;
      await database.run((tables) =>
        tables
          .with('machines', (statement) =>
            statement.deleteFrom('vms').where('user_id', '=', userId).where('status', 'in', ['destroyed', 'lost']),
          )
          .deleteFrom('users')
          .where('user_id', '=', userId)
          .execute(),
      );
    },
  };
}

const LAST_PORT = 65_535;
/** Any number, as long as no other program uses the same one in this database. */
const allotmentLock = 7_255_971_001n;

async function find(tables: Kysely<Tables>, userId: string): Promise<UserRecord | undefined> {
  if (!isUuid(userId)) return undefined;
  const row = await tables.selectFrom('users').selectAll().where('user_id', '=', userId).executeTakeFirst();
  return row && toRecord(row);
}

async function add(tables: Kysely<Tables>, userId: string, externalId: string | null): Promise<UserRecord> {
  const { last } = await tables
    .selectFrom('users')
    .select((row) => row.fn.max('decodo_proxy_port').as('last'))
    .executeTakeFirstOrThrow();
  const port = last === null ? FIRST_PROXY_PORT : last + 1;
  if (port > LAST_PORT) {
    throw new SallyportError('STORE_CONFLICT', 'Every egress port from 10001 to 65535 belongs to a user already.', {
      hint: 'Remove users who no longer exist from the table `users`.',
    });
  }
  const row = await tables
    .insertInto('users')
    .values({
      user_id: userId,
      external_id: externalId === null ? null : storableText(externalId),
      decodo_proxy_port: port,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return toRecord(row);
}

function toRecord(row: Selectable<Tables['users']>): UserRecord {
  return {
    userId: row.user_id,
    externalId: row.external_id,
    proxyPort: row.decodo_proxy_port,
    fixedAddress: row.decodo_fixed_ip,
    machineId: row.vm_id,
  };
}
