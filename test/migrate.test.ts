import { Client, type PoolConfig } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { migrate } from '../packages/server/src/stores/migrations/migrate.ts';
import { readMigrations, type Migration } from '../packages/server/src/stores/migrations/read-migrations.ts';
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
  const { rows } = await client.query('select version, name from sallyport.migrations order by version');
  return rows;
}

/** Takes the test's database back to one that Sallyport has never seen. */
async function empty(): Promise<void> {
  await client.query('drop schema sallyport cascade');
}

describe('migrations', () => {
  it('are recorded in the schema sallyport, and run once', async () => {
    const own = await readMigrations();
    expect(own.length).toBeGreaterThan(0);
    expect(await migrate({ connection })).toEqual([]);
    expect(await history()).toEqual(own.map(({ version, name }) => ({ version, name })));
    expect(await migrate({ connection, migrations: [...own, addNotes] })).toEqual([addNotes.version]);
    expect(await migrate({ connection, migrations: [...own, addNotes] })).toEqual([]);
  });

  it('make nothing outside the schema sallyport', async () => {
    const { rows } = await client.query(
      `select relnamespace::regnamespace::text as schema, relname from pg_class
       where relnamespace::regnamespace::text !~ '^(pg_|information_schema$|sallyport$)'
       union all select pronamespace::regnamespace::text, proname from pg_proc
       where pronamespace::regnamespace::text !~ '^(pg_|information_schema$|sallyport$)'`,
    );
    expect(rows).toEqual([]);
    expect((await client.query("select to_regnamespace('supabase_migrations') as schema")).rows).toEqual([
      { schema: null },
    ]);
  });

  it('run beside tables of the same names that belong to the product', async () => {
    await empty();
    await client.query(
      'create table users (name text); insert into users values ($$theirs$$); create table prompts ()',
    );
    expect(await migrate({ connection })).toHaveLength((await readMigrations()).length);
    expect((await client.query('select * from public.users')).rows).toEqual([{ name: 'theirs' }]);
  });

  it('run once when several servers start together on an empty database', async () => {
    await empty();
    const migrations = [...(await readMigrations()), addNotes];
    const applied = await Promise.all(Array.from({ length: 5 }, () => migrate({ connection, migrations })));
    expect(applied.flat().toSorted()).toEqual(migrations.map(({ version }) => version));
    expect((await client.query('select note from notes')).rows).toEqual([{ note: 1 }]);
  });

  it('leave nothing of a file that fails, and keep those before it', async () => {
    const broken = step('30000102000000', 'broken', 'create table half (a int); select no_such_column;');
    const migrations = [...(await readMigrations()), addNotes, broken];
    await expect(migrate({ connection, migrations })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/30000102000000_sallyport_broken: .*no_such_column/),
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

  it('need no rights to create anything where the database is up to date', async () => {
    const role = `migrate_reader_${process.pid}`;
    await client.query(
      `create role ${role} login; grant usage on schema sallyport to ${role}; grant select on sallyport.migrations to ${role};
       create policy all_rows on sallyport.migrations to ${role} using (true)`,
    );
    try {
      expect(await migrate({ connection: { ...connection, user: role } })).toEqual([]);
      const migrations = [...(await readMigrations()), addNotes];
      await expect(migrate({ connection: { ...connection, user: role }, migrations })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('30000101000000_sallyport_notes'),
        hint: expect.stringContaining('owns the schema sallyport'),
      });
    } finally {
      await client.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  it('say that the database is away when it is', async () => {
    const away = { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' };
    await expect(migrate({ connection: away })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});
