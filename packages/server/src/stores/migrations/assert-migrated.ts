import { SallyportError } from '@sallyport/core';

import type { DatabaseRoute } from '../sql/database.ts';
import { assertNotNewer, missingMigrations } from './history.ts';
import type { Migration } from './read-migrations.ts';

/** Refuses a database without a migration that is needed, or with one of a newer Sallyport, where the route cannot apply them. */
export async function assertMigrated(route: DatabaseRoute, wanted: readonly Migration[]): Promise<void> {
  const applied = (await route.call('list_migrations', {})) ?? [];
  assertNotNewer(applied, wanted);
  const [missing] = missingMigrations(applied, wanted);
  if (!missing) return;
  throw new SallyportError(
    'CONFIG_INVALID',
    `The Supabase project does not have the migration ${missing.version}_${missing.name}.`,
    {
      hint: 'Write the files with `sallyport migrations export supabase/migrations` and apply them with `supabase db push`.',
    },
  );
}
