import { SallyportError } from '@sallyport/core';

import type { DatabaseChoice } from '../stores/database-choice.ts';
import { exportMigrations } from '../stores/migrations/export-migrations.ts';
import { migrate } from '../stores/migrations/migrate.ts';
import { readMigrations } from '../stores/migrations/read-migrations.ts';

export const migrationsUsage = `sallyport migrations apply
       sallyport migrations export DIRECTORY`;

/**
 * `apply` brings the database of DATABASE_URL to the newest schema, as the server does when it starts. `export` writes the
 * same migrations as files for a Supabase project.
 */
export async function migrationsCommand(
  words: readonly string[],
  { database, print }: { readonly database: DatabaseChoice; readonly print: (line: string) => void },
): Promise<void> {
  const [action, directory, ...rest] = words;
  if (action === 'apply' && directory === undefined) {
    await apply(database, print);
    return;
  }
  if (action !== 'export' || directory === undefined || rest.length > 0) {
    throw new SallyportError('CONFIG_INVALID', `There is no command "migrations ${words.join(' ')}".`, {
      hint: `Usage: ${migrationsUsage}`,
    });
  }
  const written = await exportMigrations(directory, await readMigrations());
  if (written.length === 0) print(`${directory} has every migration already.`);
  for (const name of written) print(`Wrote ${name}`);
}

async function apply(database: DatabaseChoice, print: (line: string) => void): Promise<void> {
  if (database.kind !== 'postgres') {
    throw new SallyportError('CONFIG_INVALID', 'Migrations are applied over a connection to PostgreSQL.', {
      hint: 'Set DATABASE_URL to a role that may create schemas. The embedded database is migrated when the server starts.',
    });
  }
  const applied = await migrate({ connection: { connectionString: database.url.reveal() }, log: print });
  if (applied.length === 0) print('The database has every migration already.');
}
