import type { Clock } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';

import { startKeptPostgres } from '../postgres/kept-postgres.ts';
import { migrate } from './migrations/migrate.ts';
import { createPostgresStore } from './postgres-store.ts';

export interface EmbeddedStoreOptions {
  /** Where the database lies. Claimed by this process. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** Starts the embedded PostgreSQL of a data directory, with all migrations applied. Closing the store ends it. */
export async function openEmbeddedStore({ dataDirectory, clock, log }: EmbeddedStoreOptions): Promise<Store> {
  const postgres = await startKeptPostgres({ dataDirectory, clock, log });
  try {
    await migrate({ connection: postgres.connection, log });
    const store = createPostgresStore({ connection: postgres.connection, log });
    return {
      ...store,
      close: async () => {
        await store.close();
        await postgres.close();
      },
    };
  } catch (error) {
    await postgres.close();
    throw error;
  }
}
