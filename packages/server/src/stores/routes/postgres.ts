import { Pool, type PoolConfig } from 'pg';

import { functionCall } from './function-call.ts';
import type { DatabaseRoute } from '../sql/database.ts';
import { toStoreError } from './postgres-error.ts';

export interface PostgresRouteOptions {
  readonly connection: PoolConfig;
  /** Told about connections that broke while nobody used them. */
  readonly log?: (message: string) => void;
}

/** Calls the functions over a pool of connections to PostgreSQL, each call one statement and so one transaction. */
export function openPostgresRoute({ connection, log }: PostgresRouteOptions): DatabaseRoute {
  const pool = new Pool({ ...limits, ...connection });
  // Without these two listeners a database that goes away ends the whole server: the pool reports connections that
  // break while idle, and a connection that breaks during a query reports itself.
  pool.on('error', (error) => log?.(`A database connection was lost: ${error.message}`));
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    call: async (name, args) => {
      try {
        const { rows } = await pool.query(functionCall(name, args));
        return rows[0].result.value;
      } catch (error) {
        throw toStoreError(error);
      }
    },
    close: () => pool.end(),
  };
}

/**
 * Every wait for the database ends: a caller gets STORE_UNAVAILABLE instead of hanging. Limits that PostgreSQL itself
 * would keep are sent when a connection opens, and poolers such as PgBouncer refuse connections that send them.
 */
const limits = {
  max: 10,
  connectionTimeoutMillis: 5_000,
  query_timeout: 20_000,
  // A connection that a firewall dropped without a word is noticed, at the latest by its age.
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  maxLifetimeSeconds: 600,
  application_name: 'sallyport',
} as const satisfies PoolConfig;
