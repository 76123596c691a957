import type { Client } from 'pg';

import { assertNotNewer } from './history.ts';
import type { AppliedMigration } from './history.ts';
import type { Migration } from './read-migrations.ts';

/** Every table of releases that kept them in the first schema of the search path, as a rule `public`. */
const tables = [
  'users',
  'vms',
  'auth_sessions',
  'auth_session_events',
  'provider_credentials',
  'provider_credential_versions',
  'provider_credential_leases',
  'prompts',
  'prompt_events',
  'audit_log',
  'disabled_providers',
  'servers',
  'idempotency_keys',
] as const;

/**
 * Moves what an earlier release has made into the schema `sallyport`, which must have an empty history: the tables with all
 * their rows, and its records among those of Supabase's command line. Does nothing if no earlier release was here.
 */
export async function moveEarlierLayout(client: Client, wanted: readonly Migration[]): Promise<void> {
  const applied = await readEarlierHistory(client);
  if (applied.length === 0) return;
  assertNotNewer(applied, wanted);
  for (const table of tables) {
    const { rows } = await client.query<{ schema: string }>(
      'select relnamespace::regnamespace::text as schema from pg_class where oid = to_regclass($1)',
      [table],
    );
    const schema = rows[0]?.schema;
    if (schema !== undefined) await client.query(`alter table ${schema}.${table} set schema sallyport`);
  }
  for (const { version, name } of applied) {
    await client.query('insert into sallyport.migrations (version, name) values ($1, $2)', [version, name]);
  }
  await client.query('delete from supabase_migrations.schema_migrations where version = any ($1)', [
    applied.map(({ version }) => version),
  ]);
}

async function readEarlierHistory(client: Client): Promise<readonly AppliedMigration[]> {
  const { rows: found } = await client.query(
    "select 1 from pg_class where oid = to_regclass('supabase_migrations.schema_migrations')",
  );
  if (found.length === 0) return [];
  const { rows: columns } = await client.query(
    "select 1 from pg_attribute where attrelid = 'supabase_migrations.schema_migrations'::regclass and attname = 'name'",
  );
  // An old version of Supabase's command line: it has recorded nothing of ours.
  if (columns.length === 0) return [];
  const { rows } = await client.query<AppliedMigration>(
    String.raw`select version, name from supabase_migrations.schema_migrations where name like 'sallyport\_%' order by version`,
  );
  return rows;
}
