import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startEmbeddedPostgres } from '../packages/server/src/postgres/embedded.ts';
import { migrate } from '../packages/server/src/stores/migrations/migrate.ts';
import { databaseTypes, databaseTypesFile } from './introspect-database.ts';

/** Writes the types of the database's tables and functions, as a database with all migrations describes them. */

const directory = await mkdtemp(join(tmpdir(), 'sallyport-types-'));
const postgres = await startEmbeddedPostgres({ directory, durable: false });
try {
  await migrate({ connection: postgres.connection });
  const text = await databaseTypes(postgres.connection);
  const before = await readFile(databaseTypesFile, 'utf8').catch(() => '');
  if (text !== before) await writeFile(databaseTypesFile, text);
  console.log(text === before ? 'The database types are up to date.' : `Wrote ${databaseTypesFile}.`);
} finally {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}
