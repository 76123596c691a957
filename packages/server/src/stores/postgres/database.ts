import { Kysely, PostgresDialect } from 'kysely';
import { Pool, type PoolConfig } from 'pg';

import { SallyportError, serverSuperseded } from '@sallyport/core';

import { toStoreError } from './database-error.ts';
import type { Tables } from './tables.ts';

/** Access to the tables: every failure leaves here as a {@link SallyportError}. */
export interface Database {
  run<Result>(work: (tables: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  /** All or nothing. */
  transaction<Result>(work: (tables: Kysely<Tables>) => Promise<Result>): Promise<Result>;
  /** From now on, transactions fail with `SERVER_SUPERSEDED` once another server has claimed this host. */
  fence(claim: HostClaim): void;
  /** Called when this claim no longer holds. If it is the fence's, everything fails with `SERVER_SUPERSEDED` from now on. */
  supersede(claim: HostClaim): void;
  close(): Promise<void>;
}

/** A host's rows as one server has claimed them. */
export interface HostClaim {
  readonly host: string;
  readonly epoch: number;
}

export interface DatabaseOptions {
  readonly connection: PoolConfig;
  /** Told about connections that broke while nobody used them. */
  readonly log?: (message: string) => void;
}

export function openDatabase({ connection, log }: DatabaseOptions): Database {
  const pool = new Pool({ ...limits, ...connection });
  // Without these two listeners a database that goes away ends the whole server: the pool reports connections that
  // break while idle, and a connection that breaks between two queries of a transaction reports itself.
  pool.on('error', (error) => log?.(`A database connection was lost: ${error.message}`));
  pool.on('connect', (client) => client.on('error', () => undefined));
  const tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

  let closing: Promise<void> | undefined;
  let claim: HostClaim | undefined;
  let supersededHost: string | undefined;

  /** Not locked: a claim that commits between this and the work's commit wins a moment later, at the next heartbeat. */
  async function checkClaim(transaction: Kysely<Tables>): Promise<void> {
    if (claim === undefined) return;
    const { host, epoch } = claim;
    const row = await transaction.selectFrom('servers').select('epoch').where('host', '=', host).executeTakeFirst();
    if (row?.epoch === epoch) return;
    supersededHost = host;
    throw serverSuperseded(host);
  }

  const guard = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (closing) throw new SallyportError('STORE_UNAVAILABLE', 'The store has been closed.');
    if (supersededHost !== undefined) throw serverSuperseded(supersededHost);
    try {
      return await work();
    } catch (error) {
      throw toStoreError(error);
    }
  };

  return {
    run: (work) => guard(() => work(tables)),
    transaction: (work) =>
      guard(() =>
        tables.transaction().execute(async (transaction) => {
          await checkClaim(transaction);
          return work(transaction);
        }),
      ),
    fence: (next) => {
      claim = next;
    },
    supersede: ({ host, epoch }) => {
      if (claim?.host === host && claim.epoch === epoch) supersededHost = host;
    },
    close: () => (closing ??= pool.end()),
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
