import type { Store } from '@sallyport/core/store';

import { assertMigrated } from './migrations/assert-migrated.ts';
import { readMigrations } from './migrations/read-migrations.ts';
import { openSupabaseRoute } from './routes/supabase.ts';
import type { SupabaseRouteOptions } from './routes/supabase.ts';
import { createSqlStore } from './sql/sql-store.ts';

/** The store in a Supabase project, through its PostgREST. The project must have the migrations already. */
export async function openSupabaseStore(options: SupabaseRouteOptions): Promise<Store> {
  const route = openSupabaseRoute(options);
  await assertMigrated(route, await readMigrations());
  return createSqlStore(route);
}
