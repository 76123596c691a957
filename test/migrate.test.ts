import { Client, type PoolConfig } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { migrate, readMigrations, type Migration } from '../packages/server/src/stores/migrate.ts';
import { createTestDatabase } from './setup/test-database.ts';

let connection: PoolConfig;
let client: Client;

beforeEach(async () => {
  connection = await createTestDatabase();
  client = new Client(connection);
  await client.connect();
});
afterEach(() => client.end());

const step = (version: string, name: string, sql: string): Migration => ({ version, name: `sallyport_${name}`, sql });
const addNotes = step('30000101000000', 'notes', 'create table notes (note int); insert into notes values (1);');

async function history(): Promise<unknown[]> {
  const { rows } = await client.query(
    'select version, name, statements from supabase_migrations.schema_migrations order by version',
  );
  return rows;
}

describe('migrations', () => {
  it('are recorded as the Supabase command line records them, and run once', async () => {
    const own = await readMigrations();
    expect(own.length).toBeGreaterThan(0);
    expect(await migrate({ connection })).toEqual([]);
    expect(await history()).toEqual(own.map(({ version, name, sql }) => ({ version, name, statements: [sql] })));
    expect(await migrate({ connection, migrations: [...own, addNotes] })).toEqual([addNotes.version]);
    expect(await migrate({ connection, migrations: [...own, addNotes] })).toEqual([]);
  });

  it('run once when several servers start together', async () => {
    const migrations = [...(await readMigrations()), addNotes];
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate({ connection, migrations })));
    expect(applied.flat()).toEqual([addNotes.version]);
    expect((await client.query('select note from notes')).rows).toEqual([{ note: 1 }]);
  });

  it('leave nothing of a file that fails, and keep those before it', async () => {
    const broken = step('30000102000000', 'broken', 'create table half (a int); select no_such_column;');
    const migrations = [...(await readMigrations()), addNotes, broken];
    await expect(migrate({ connection, migrations })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/30000102000000_sallyport_broken failed: .*no_such_column/),
    });
    expect((await client.query(`select to_regclass('half') as half, to_regclass('notes') as notes`)).rows).toEqual([
      { half: null, notes: 'notes' },
    ]);
    const repaired = { ...broken, sql: 'create table half (a int)' };
    const again = await migrate({ connection, migrations: [...(await readMigrations()), addNotes, repaired] });
    expect(again).toEqual([broken.version]);
  });

  it('refuse a database that a newer Sallyport has changed', async () => {
    await migrate({ connection, migrations: [...(await readMigrations()), addNotes] });
    await expect(migrate({ connection })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('30000101000000_sallyport_notes'),
    });
  });

  it('leave alone what another product in the same database has recorded', async () => {
    await client.query(
      `insert into supabase_migrations.schema_migrations values ('20200101000000', null, 'their_tables')`,
    );
    expect(await migrate({ connection })).toEqual([]);
  });

  it('say that the database is away when it is', async () => {
    const away = { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' };
    await expect(migrate({ connection: away })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
