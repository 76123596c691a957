import { join } from 'node:path';

import { SallyportError, systemClock } from '@sallyport/core';
import type { Store } from '@sallyport/core';
import type { PoolConfig } from 'pg';

import { openDatabaseServer } from '../postgres/database-server.ts';
import { openDataDirectory } from '../data-directory/data-directory.ts';
import type { ServerEnvironment } from '../config/environment.ts';
import { runningPostgres } from '../postgres/embedded.ts';
import { migrate } from '../stores/migrate.ts';
import { createPostgresStore } from '../stores/postgres-store.ts';

/** Does something with the store of a server, whether that server runs at the moment or not. */
export async function withStore(
  environment: Pick<ServerEnvironment, 'dataDirectory' | 'databaseUrl'>,
  work: (store: Store) => Promise<void>,
): Promise<void> {
  const database = await openDatabase(environment);
  const store = createPostgresStore({ connection: database.connection });
  try {
    await work(store);
  } finally {
    await store.close();
    await database.close();
  }
}

interface OpenDatabase {
  readonly connection: PoolConfig;
  close(): Promise<void>;
}

/** The operator's database; the one that a running server has started; or the embedded one, started for this moment. */
async function openDatabase({ dataDirectory, databaseUrl }: Parameters<typeof withStore>[0]): Promise<OpenDatabase> {
  if (databaseUrl !== undefined) {
    const connection = { connectionString: databaseUrl };
    await migrate({ connection });
    return { connection, close: async () => undefined };
  }
  try {
    const data = await openDataDirectory(dataDirectory);
    try {
      const database = await openDatabaseServer({
        url: undefined,
        dataDirectory: data.path,
        clock: systemClock,
        log: () => undefined,
      });
      await migrate({ connection: database.connection });
      return {
        connection: database.connection,
        close: async () => {
          await database.close();
          await data.release();
        },
      };
    } catch (error) {
      await data.release();
      throw error;
    }
  } catch (error) {
    if (!SallyportError.isInstance(error) || error.code !== 'CONFIG_DATA_DIR_BUSY') throw error;
    // A server runs here, and its database answers on a socket that only we may use.
    return { connection: await runningPostgres(join(dataDirectory, 'postgres')), close: async () => undefined };
  }
}
