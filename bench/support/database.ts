import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Store } from '@sallyport/core/store';
import { Client } from 'pg';

import { supabaseRoles } from '../../e2e/support/postgrest.ts';
import { startEmbeddedPostgres } from '../../packages/server/src/postgres/embedded.ts';
import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { createPostgresStore } from '../../packages/server/src/stores/postgres-store.ts';

/** An embedded PostgreSQL with our tables, in a directory in which there is room for more. */
export interface BenchDatabase extends AsyncDisposable {
  readonly client: Client;
  readonly folder: string;
  openStore(): Store;
}

export async function openDatabase(): Promise<BenchDatabase> {
  await using opening = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'sp-bench-'));
  opening.defer(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startEmbeddedPostgres({ directory: join(folder, 'database') });
  opening.defer(() => postgres.stop());
  const { connection } = postgres;
  const client = new Client(connection);
  await client.connect();
  opening.defer(() => client.end());
  await client.query(supabaseRoles);
  await migrate({ connection });
  const opened = opening.move();
  return {
    client,
    folder,
    openStore: () => createPostgresStore({ connection }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
