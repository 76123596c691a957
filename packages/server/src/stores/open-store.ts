import type { Clock, Store } from '@sallyport/core';

import type { DatabaseChoice } from './database-choice.ts';
import { startKeptPostgres } from '../postgres/kept-postgres.ts';
import { migrate } from './migrations/migrate.ts';
import { createPostgresStore } from './postgres-store.ts';
import { openSupabaseStore } from './supabase-store.ts';

export interface OpenStoreOptions {
  /** Where the embedded database lies. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** Opens the store that the environment chooses, with all migrations applied. Closing it also ends an embedded database. */
export async function openStore(
  choice: DatabaseChoice,
  { dataDirectory, clock, log }: OpenStoreOptions,
): Promise<Store> {
  if (choice.kind === 'supabase') return openSupabaseStore(choice);
  if (choice.kind === 'postgres') {
    const connection = { connectionString: choice.url.reveal() };
    await migrate({ connection, log });
    return createPostgresStore({ connection, log });
  }
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
