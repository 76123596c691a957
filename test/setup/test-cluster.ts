import { Client, type PoolConfig } from 'pg';

import { startEmbeddedPostgres } from '../../packages/server/src/postgres/embedded.ts';
import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';

/** The program behind `postgres.ts`: answers each message with a new database, and ends with the channel. */

const [directory = ''] = process.argv.slice(2);
let cluster: Promise<TestCluster> | undefined;
let last: Promise<unknown> = Promise.resolve();

process.on('message', () => {
  // One after the other: a database that is being copied may have no other user.
  last = last.then(async () => process.send?.(await answer()));
});
process.once('disconnect', () => {
  void last.then(async () => (await cluster?.catch(() => undefined))?.stop());
});

async function answer(): Promise<object> {
  try {
    cluster ??= startCluster();
    return { connection: await (await cluster).createDatabase() };
  } catch (error) {
    return { problem: String(error) };
  }
}

interface TestCluster {
  createDatabase(): Promise<PoolConfig>;
  stop(): Promise<void>;
}

async function startCluster(): Promise<TestCluster> {
  const url = process.env['TEST_DATABASE_URL'];
  const embedded = url === undefined ? await startEmbeddedPostgres({ directory, durable: false }) : undefined;
  const connection: PoolConfig = embedded?.connection ?? { connectionString: url };
  const admin = new Client(connection);
  await admin.connect();
  const prefix = `sallyport_test_${process.pid}`;
  const made: string[] = [];
  const create = async (name: string, template: string): Promise<PoolConfig> => {
    await admin.query(`create database ${name} template ${template}`);
    made.push(name);
    return embedded ? { ...connection, database: name } : { connectionString: withDatabase(url, name) };
  };

  await migrate({ connection: await create(`${prefix}_template`, 'template0') });
  return {
    createDatabase: () => create(`${prefix}_${made.length}`, `${prefix}_template`),
    stop: async () => {
      for (const name of embedded ? [] : made) await admin.query(`drop database ${name} with (force)`);
      await admin.end();
      await embedded?.stop();
    },
  };
}

function withDatabase(url: string | undefined, name: string): string {
  const changed = new URL(url ?? '');
  changed.pathname = `/${name}`;
  return changed.href;
}
