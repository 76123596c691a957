import { SallyportError, systemClock } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';

import { openDataDirectory } from '../data-directory/data-directory.ts';
import type { DataDirectory } from '../data-directory/data-directory.ts';
import type { ServerEnvironment } from '../config/environment.ts';
import { runningPostgres } from '../postgres/embedded.ts';
import { databaseDirectory } from '../postgres/kept-postgres.ts';
import { openStore } from '../stores/open-store.ts';
import { createPostgresStore } from '../stores/postgres-store.ts';

type StoreEnvironment = Pick<ServerEnvironment, 'dataDirectory' | 'database'>;

/** Does something with the store of a server, whether that server runs at the moment or not. */
export async function withStore(environment: StoreEnvironment, work: (store: Store) => Promise<void>): Promise<void> {
  const data = environment.database.kind === 'embedded' ? await takeDirectory(environment.dataDirectory) : undefined;
  try {
    const store = await open(environment, data);
    try {
      await work(store);
    } finally {
      await store.close();
    }
  } finally {
    if (data !== undefined && data !== 'busy') await data.release();
  }
}

function open({ dataDirectory, database }: StoreEnvironment, data: DataDirectory | 'busy' | undefined): Promise<Store> {
  // A server runs here, and its database answers on a socket that only we may use.
  if (data === 'busy') return openRunning(dataDirectory);
  return openStore(database, {
    dataDirectory: data?.path ?? dataDirectory,
    clock: systemClock,
    log: () => undefined,
  });
}

async function openRunning(dataDirectory: string): Promise<Store> {
  return createPostgresStore({ connection: await runningPostgres(databaseDirectory(dataDirectory)) });
}

/** The embedded database may only be started by the process that holds its directory. */
export async function takeDirectory(dataDirectory: string): Promise<DataDirectory | 'busy'> {
  try {
    return await openDataDirectory(dataDirectory);
  } catch (error) {
    if (!SallyportError.isInstance(error) || error.code !== 'CONFIG_DATA_DIR_BUSY') throw error;
    return 'busy';
  }
}
