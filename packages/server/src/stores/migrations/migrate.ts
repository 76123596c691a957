import { DatabaseError, type Client, type ClientConfig } from 'pg';

import { SallyportError } from '@sallyport/core';

import { connect } from '../routes/connect.ts';
import { toStoreError } from '../routes/postgres-error.ts';
import { moveEarlierLayout } from './earlier-layout.ts';
import { assertNotNewer, createHistory, missingMigrations } from './history.ts';
import type { AppliedMigration } from './history.ts';
import { readMigrations } from './read-migrations.ts';
import type { Migration } from './read-migrations.ts';

export interface MigrateOptions {
  readonly connection: ClientConfig;
  /** Default: the files of this package. */
  readonly migrations?: readonly Migration[];
  readonly log?: (message: string) => void;
}

/**
 * Brings a database to the newest schema, each file in a separate transaction, and returns the versions it applied.
 * Servers that start together take turns. Changes nothing if the database is up to date, so the server may then log in as a
 * role that owns nothing. Refuses a database that a newer Sallyport has changed.
 */
export async function migrate({ connection, migrations, log }: MigrateOptions): Promise<readonly string[]> {
  const wanted = migrations ?? (await readMigrations());
  const client = await connect({ application_name: 'sallyport migrate', ...connection });
  try {
    if (!(await hasHistory(client))) await begin(client, wanted);
    const applied: string[] = [];
    for (;;) {
      const migration = await applyNext(client, wanted);
      if (!migration) break;
      applied.push(migration.version);
    }
    if (applied.length > 0) log?.(`Applied ${applied.length} migrations to the database, the last ${applied.at(-1)}.`);
    return applied;
  } catch (error) {
    throw toStoreError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Any number, as long as no other program uses the same one in this database. */
const migrationLock = '7255971000';

/** One transaction at a time among all servers. */
async function inTurn<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
  await client.query('begin');
  try {
    // Held until the transaction ends: unlike a session's lock it also works through a transaction pooler.
    await client.query('select pg_advisory_xact_lock($1)', [migrationLock]);
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}

/** Whether the schema is there. */
export async function hasHistory(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ present: boolean }>(
    "select to_regclass('sallyport.migrations') is not null as present",
  );
  return rows[0]?.present ?? false;
}

/** Makes the schema, and brings along what an earlier release has made elsewhere. */
async function begin(client: Client, wanted: readonly Migration[]): Promise<void> {
  await inTurn(client, async () => {
    // Another server may have been first.
    if (await hasHistory(client)) return;
    await run(client, 'creating the schema sallyport', createHistory);
    await moveEarlierLayout(client, wanted);
  });
}

async function applyNext(client: Client, wanted: readonly Migration[]): Promise<Migration | undefined> {
  if ((await findNext(client, wanted)) === undefined) return undefined;
  return inTurn(client, async () => {
    const next = await findNext(client, wanted);
    if (!next) return undefined;
    await run(client, `the migration ${next.version}_${next.name}`, next.sql);
    await client.query('insert into sallyport.migrations (version, name) values ($1, $2)', [next.version, next.name]);
    return next;
  });
}

async function findNext(client: Client, wanted: readonly Migration[]): Promise<Migration | undefined> {
  const { rows } = await client.query<AppliedMigration>('select version, name from sallyport.migrations');
  assertNotNewer(rows, wanted);
  return missingMigrations(rows, wanted)[0];
}

async function run(client: Client, what: string, sql: string): Promise<void> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new SallyportError('CONFIG_INVALID', `Changing the database failed at ${what}: ${error.message}.`, {
      hint: `Nothing of it was applied. ${remedy(error)}`,
      cause: error,
    });
  }
}

const insufficientPrivilege = '42501';

function remedy({ code }: DatabaseError): string {
  return code === insufficientPrivilege
    ? 'Let DATABASE_URL name a role that may create schemas in this database and owns the schema sallyport, or apply the files of `sallyport migrations export` as such a role.'
    : 'Correct what the message names, and start again.';
}
