import type { Store } from '@sallyport/core/store';

import type { DatabaseChoice } from './database-choice.ts';
import { openEmbeddedStore } from './embedded-store.ts';
import type { EmbeddedStoreOptions } from './embedded-store.ts';
import { migrate } from './migrations/migrate.ts';
import { createPostgresStore } from './postgres-store.ts';
import { openSupabaseStore } from './supabase-store.ts';

/** Opens the store that the environment chooses, with all migrations applied. Closing it also ends an embedded database. */
export async function openStore(choice: DatabaseChoice, options: EmbeddedStoreOptions): Promise<Store> {
  if (choice.kind === 'supabase') return openSupabaseStore(choice);
  if (choice.kind === 'embedded') return openEmbeddedStore(options);
  const connection = { connectionString: choice.url.reveal() };
  const { log } = options;
  await migrate({ connection, log });
  return createPostgresStore({ connection, log });
}
