import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmbeddedPostgres } from '../../packages/server/src/postgres/embedded.ts';
import { startDebianPostgres } from './debian-postgres.ts';
import type { PostgresAddress } from './postgrest.ts';

export interface Cluster {
  readonly connection: PostgresAddress;
  stop(): Promise<void>;
}

async function startEmbedded(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-stores-'));
  const postgres = await startEmbeddedPostgres({ directory, durable: false });
  return {
    connection: postgres.connection,
    stop: async () => {
      await postgres.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** The PostgreSQL releases that the store is run on: the newest and the oldest. */
export const clusters: readonly (readonly [string, () => Promise<Cluster>])[] = [
  ['the embedded PostgreSQL', startEmbedded],
  ["Debian's PostgreSQL", startDebianPostgres],
];
