import type { Store } from '@sallyport/core/store';

import { openPostgresRoute } from './routes/postgres.ts';
import type { PostgresRouteOptions } from './routes/postgres.ts';
import { createSqlStore } from './sql/sql-store.ts';

/** The store over connections to PostgreSQL. */
export function createPostgresStore(options: PostgresRouteOptions): Store {
  return createSqlStore(openPostgresRoute(options));
}
