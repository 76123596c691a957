import { SallyportError } from '@sallyport/core';
import type { ClientConfig } from 'pg';

import type { ServerEnvironment } from '../config/environment.ts';
import type { DataDirectory } from '../data-directory/data-directory.ts';
import { runningPostgres, startEmbeddedPostgres } from '../postgres/embedded.ts';
import { databaseDirectory } from '../postgres/kept-postgres.ts';
import type { DatabaseChoice } from '../stores/database-choice.ts';
import { takeDirectory } from './open-store.ts';

type Work = (connection: ClientConfig) => Promise<void>;

/**
 * Does something over a new connection to the server's PostgreSQL, whether the server runs or not. `what` needs it,
 * such as `A backup`.
 */
export async function withConnection(environment: ServerEnvironment, what: string, work: Work): Promise<void> {
  const { dataDirectory, database } = environment;
  if (database.kind !== 'embedded') return work(connectionOf(database, what));
  const data = await takeDirectory(dataDirectory);
  // A server runs here, and its database answers on a socket that only we may use.
  if (data === 'busy') return work(await runningPostgres(databaseDirectory(dataDirectory)));
  try {
    await withEmbedded(data, work);
  } finally {
    await data.release();
  }
}

/** Starts the database of a data directory that no server uses. */
export async function withEmbedded(data: DataDirectory, work: Work): Promise<void> {
  const postgres = await startEmbeddedPostgres({ directory: databaseDirectory(data.path) });
  try {
    await work(postgres.connection);
  } finally {
    await postgres.stop();
  }
}

export function connectionOf(
  database: Exclude<DatabaseChoice, { readonly kind: 'embedded' }>,
  what: string,
): ClientConfig {
  if (database.kind === 'postgres') return { connectionString: database.url.reveal() };
  throw new SallyportError('CONFIG_INVALID', `${what} needs a connection to PostgreSQL, and PostgREST is none.`, {
    hint: 'Set DATABASE_URL to the connection string of your Supabase project.',
  });
}
