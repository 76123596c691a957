import { SallyportError } from '@sallyport/core';
import type { Command } from 'commander';

import { readEnvironment } from '../config/environment.ts';
import type { DatabaseChoice } from '../stores/database-choice.ts';
import { exportMigrations } from '../stores/migrations/export-migrations.ts';
import { migrate } from '../stores/migrations/migrate.ts';
import { readMigrations } from '../stores/migrations/read-migrations.ts';
import type { CommandContext } from './context.ts';

/** `sallyport migrations`: brings a database to the newest schema, or writes the migrations as files. */
export function registerMigrations(program: Command, { print, variables }: CommandContext): void {
  const group = program
    .command('migrations')
    .description('bring a database to the newest schema, or write the migrations as files for a Supabase project');
  group
    .command('apply')
    .description('bring the database of DATABASE_URL to the newest schema, as the server does when it starts')
    .action(() => apply(readEnvironment(variables, process.cwd()).database, print));
  group
    .command('export')
    .description('write those that are not there yet as files for a Supabase project')
    .argument('<directory>', 'where to, such as supabase/migrations')
    .action(async (directory: string) => {
      const written = await exportMigrations(directory, await readMigrations());
      if (written.length === 0) print(`${directory} has every migration already.`);
      for (const name of written) print(`Wrote ${name}`);
    });
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
