import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { Client, DatabaseError, type ClientConfig } from 'pg';

import { SallyportError } from '@sallyport/core';

import { toStoreError } from './postgres/database-error.ts';

/** One file of `migrations/`. */
export interface Migration {
  /** 14 digits. */
  readonly version: string;
  /** Starts with `sallyport_`, which tells our migrations from those of the product that shares the database. */
  readonly name: string;
  readonly sql: string;
}

export interface MigrateOptions {
  readonly connection: ClientConfig;
  /** Default: the files of this package. */
  readonly migrations?: readonly Migration[];
  readonly log?: (message: string) => void;
}

/**
 * Brings a database to the newest schema, each file in a separate transaction, and returns the versions it applied.
 * Records them where Supabase's command line does, so that `supabase migration list` agrees. Servers that start
 * together take turns. Refuses a database that a newer Sallyport has changed.
 */
export async function migrate({ connection, migrations, log }: MigrateOptions): Promise<readonly string[]> {
  const wanted = migrations ?? (await readMigrations());
  const client = new Client({
    connectionTimeoutMillis: 5_000,
    application_name: 'sallyport migrate',
    ...connection,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const applied: string[] = [];
    for (;;) {
      const migration = await applyNext(client, wanted);
      if (!migration) return applied;
      applied.push(migration.version);
      log?.(`Changed the database: ${migration.version} ${migration.name.replaceAll('_', ' ')}`);
    }
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** The migrations of this package, oldest first. */
export async function readMigrations(directory: string = migrationsDirectory): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).toSorted();
  return Promise.all(
    files.map(async (file) => {
      const [, version, name] = /^(\d{14})_(sallyport_[a-z0-9_]+)\.sql$/.exec(file) ?? [];
      if (version === undefined || name === undefined) {
        throw new SallyportError('INTERNAL', `${file} must be named <14 digits>_sallyport_<name>.sql.`);
      }
      return { version, name, sql: await readFile(join(directory, file), 'utf8') };
    }),
  );
}

/** Beside package.json: this file lies at one depth in `src` and, bundled, at another in `dist`. */
const migrationsDirectory = join(
  dirname(createRequire(import.meta.url).resolve('@sallyport/server/package.json')),
  'migrations',
);

/** Any number, as long as no other program uses the same one in this database. */
const migrationLock = '7255971000';

async function applyNext(client: Client, wanted: readonly Migration[]): Promise<Migration | undefined> {
  await client.query('begin');
  try {
    // Held until the transaction ends: unlike a session's lock it also works through a transaction pooler.
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    await client.query(historyTable);
    const { rows } = await client.query<{ version: string; name: string | null }>(
      'select version, name from supabase_migrations.schema_migrations',
    );
    assertNotNewer(rows, wanted);
    const applied = new Set(rows.map((row) => row.version));
    const next = wanted.find((migration) => !applied.has(migration.version));
    if (next) {
      await run(client, next);
      await client.query(
        'insert into supabase_migrations.schema_migrations (version, name, statements) values ($1, $2, $3)',
        [next.version, next.name, [next.sql]],
      );
    }
    await client.query('commit');
    return next;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** As Supabase's command line makes it. */
const historyTable = `
  create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
  alter table supabase_migrations.schema_migrations add column if not exists statements text[];
  alter table supabase_migrations.schema_migrations add column if not exists name text;
`;

async function run(client: Client, { version, name, sql }: Migration): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new SallyportError('CONFIG_INVALID', `The migration ${version}_${name} failed: ${error.message}.`, {
      hint: 'Nothing of it was applied. Give Sallyport a separate database or schema.',
      cause: error,
    });
  }
}

function assertNotNewer(
  applied: readonly { version: string; name: string | null }[],
  wanted: readonly Migration[],
): void {
  const known = new Set(wanted.map((migration) => migration.version));
  const unknown = applied.find(({ version, name }) => name?.startsWith('sallyport_') && !known.has(version));
  if (!unknown) return;
  throw new SallyportError(
    'CONFIG_INVALID',
    `A newer Sallyport has changed this database: it holds the migration ${unknown.version}_${unknown.name}, which this one does not know.`,
    { hint: 'Start the newer version again, or restore the backup from before the update.' },
  );
}
