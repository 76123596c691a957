import { join } from 'node:path';

import type { Clock } from '@sallyport/core';
import type { PoolConfig } from 'pg';

import { startEmbeddedPostgres } from './embedded.ts';
import type { EmbeddedPostgres } from './embedded.ts';

export interface RunningDatabase {
  readonly connection: PoolConfig;
  close(): Promise<void>;
}

export interface DatabaseChoice {
  /** A database of the operator's own. Absent: an embedded one in the data directory. */
  readonly url: string | undefined;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly log: (message: string) => void;
}

/** Between two tries to bring an embedded database back that ended by itself. */
const RESTART_MS = 1_000;

/** The operator's database, or an embedded one that is restarted whenever it ends unexpectedly. */
export async function openDatabaseServer(choice: DatabaseChoice): Promise<RunningDatabase> {
  if (choice.url !== undefined) return { connection: { connectionString: choice.url }, close: async () => undefined };

  const closing = new AbortController();
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({
      directory: join(choice.dataDirectory, 'postgres'),
      log: choice.log,
      signal: closing.signal,
    });
  let current = await start();

  async function keepRunning(): Promise<void> {
    for (;;) {
      await current.ended;
      if (closing.signal.aborted) return;
      choice.log('The embedded database ended. Starting it again.');
      await current.stop();
      await choice.clock.sleep(RESTART_MS, closing.signal);
      current = await start();
    }
  }
  const kept = keepRunning().catch((error: unknown) => {
    if (!closing.signal.aborted)
      choice.log(
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
