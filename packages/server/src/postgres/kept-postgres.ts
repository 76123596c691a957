import { join } from 'node:path';

import type { Clock } from '@sallyport/core';
import type { PoolConfig } from 'pg';

import { startEmbeddedPostgres } from './embedded.ts';
import type { EmbeddedPostgres } from './embedded.ts';

export interface KeptPostgres {
  readonly connection: PoolConfig;
  close(): Promise<void>;
}

export interface KeptPostgresOptions {
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** Between two tries to bring an embedded database back that ended by itself. */
const RESTART_MS = 1_000;

/** Starts the embedded database, and restarts it whenever it ends unexpectedly. */
export async function startKeptPostgres({ dataDirectory, clock, log }: KeptPostgresOptions): Promise<KeptPostgres> {
  const closing = new AbortController();
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      directory: databaseDirectory(dataDirectory),
      log,
      signal: closing.signal,
    });
  let current = await start();

  async function keepRunning(): Promise<void> {
    for (;;) {
      await current.ended;
      if (closing.signal.aborted) return;
      log('The embedded database ended. Starting it again.');
      await current.stop();
      await clock.sleep(RESTART_MS, closing.signal);
      current = await start();
    }
  }
  const kept = keepRunning().catch((error: unknown) => {
    if (!closing.signal.aborted)
      log(
        `The embedded database could not be started again: ${error instanceof Error ? error.message : String(error)}`,
      );
  });

  return {
    connection: current.connection,
    close: async () => {
      closing.abort();
      await current.stop();
      await kept;
    },
  };
}

/** Where the embedded database lies in a data directory. */
export function databaseDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'postgres');
}
