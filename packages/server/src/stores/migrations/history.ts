import { SallyportError } from '@sallyport/core';

import type { Migration } from './read-migrations.ts';

/** A migration that a database has. */
export type AppliedMigration = Pick<Migration, 'version' | 'name'>;

/**
 * Creates the schema, and in it the record of the migrations that were applied. Supabase keeps such a record in
 * `supabase_migrations`, but `supabase db push` refuses a project in whose record it finds versions that are not among the
 * project's files (supabase/cli#166, #2063).
 */
export const createHistory = `
create schema if not exists sallyport;
create table if not exists sallyport.migrations (
  version text primary key,
  name text not null,
  applied_at timestamptz not null default now()
);
`;

/** Refuses a database that a newer Sallyport has changed. */
export function assertNotNewer(applied: readonly AppliedMigration[], wanted: readonly Migration[]): void {
  const known = new Set(wanted.map((migration) => migration.version));
  const unknown = applied.find(({ version }) => !known.has(version));
  if (!unknown) return;
  throw new SallyportError(
    'CONFIG_INVALID',
    `A newer Sallyport has changed this database: it has the migration ${unknown.version}_${unknown.name}, which this version does not know.`,
    { hint: 'Start the newer version again, or restore the backup from before the update.' },
  );
}

/** Those that a database still needs, oldest first. */
export function missingMigrations(
  applied: readonly AppliedMigration[],
  wanted: readonly Migration[],
): readonly Migration[] {
  const versions = new Set(applied.map(({ version }) => version));
  return wanted.filter(({ version }) => !versions.has(version));
}
