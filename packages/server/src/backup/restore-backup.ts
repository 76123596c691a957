import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

import { SallyportError } from '@sallyport/core';
import type { RollbackGuard } from '@sallyport/core/key-ring';
import type { Client, ClientConfig } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

import { connect } from '../stores/routes/connect.ts';
import { assertNotNewer } from '../stores/migrations/history.ts';
import { hasHistory, migrate } from '../stores/migrations/migrate.ts';
import { readMigrations } from '../stores/migrations/read-migrations.ts';
import { leftOut } from './format.ts';
import type { BackupHeader } from './format.ts';
import { checkBackup, readBackup } from './read-backup.ts';

export interface RestoreOptions {
  /** Its role owns the schema `sallyport`, or may create it. */
  readonly connection: ClientConfig;
  readonly path: string;
  /** Of the data directory that the server will run with. Throws if credentials are sealed under keys that are not in it. */
  readonly assertKeysPresent: (masterKeys: readonly string[]) => Promise<void>;
  /** Name of that data directory's rows. */
  readonly host: string;
  readonly rollbackGuard: RollbackGuard;
  readonly log?: (message: string) => void;
}

export interface Restored {
  readonly header: BackupHeader;
  /** Credentials that their users have to renew by a login, since they may have been refreshed after the backup. */
  readonly ended: number;
}

/**
 * Fills an empty database from a backup. All that can be wrong is looked for before anything is written; what fails then leaves
 * the database empty. Throws `CONFIG_INVALID`.
 *
 * A refresh token is single-use, and presenting one that is spent can end the whole login at its vendor. So a credential that
 * rotates is used again only if the data directory knows that no newer version of it was stored.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { connection, path, log } = options;
  const header = await checkBackup(path);
  const migrations = await readMigrations();
  assertNotNewer(header.migrations, migrations);
  await options.assertKeysPresent(header.masterKeys);
  const client = await connect({ application_name: 'sallyport restore', ...connection });
  try {
    await assertEmpty(client, header);
    const versions = new Set(header.migrations.map(({ version }) => version));
    await migrate({ connection, migrations: migrations.filter(({ version }) => versions.has(version)) });
    await client.query('begin');
    await fillTables(client, path);
    await adoptRows(client, header, options.host);
    const ended = await endUnknown(client, options.rollbackGuard);
    await client.query('commit');
    await migrate({ connection, ...(log && { log }) });
    return { header, ended };
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** No row may be there, and no other schema than the backup's. */
async function assertEmpty(client: Client, header: BackupHeader): Promise<void> {
  if (!(await hasHistory(client))) return;
  const hint = 'Restore into an empty database, or remove what is there: drop schema sallyport cascade.';
  const { rows: tables } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r'
     and relname <> all ($1) order by 1`,
    [leftOut],
  );
  for (const { name } of tables) {
    const { rowCount } = await client.query(`select from sallyport."${name}" limit 1`);
    if (rowCount !== 0) {
      throw new SallyportError('CONFIG_INVALID', `The database is not empty: there are rows in sallyport.${name}.`, {
        hint,
      });
    }
  }
  const { rows: applied } = await client.query<{ version: string }>('select version from sallyport.migrations');
  const versions = new Set(header.migrations.map(({ version }) => version));
  const newer = applied.find(({ version }) => !versions.has(version));
  if (!newer) return;
  throw new SallyportError(
    'CONFIG_INVALID',
    `The empty database has the migration ${newer.version}, which the backup is older than.`,
    { hint },
  );
}

async function fillTables(client: Client, path: string): Promise<void> {
  let rows: Writable | undefined;
  let insert = '';
  for await (const part of readBackup(path)) {
    switch (part.kind) {
      case 'header':
        break;
      case 'table': {
        const columns = part.columns.map((column) => `"${column}"`).join(', ');
        const table = `sallyport."${part.table}"`;
        // COPY does not write to tables with row-level security, unless the role bypasses it.
        await client.query(`create temporary table restored on commit drop as select ${columns} from ${table} limit 0`);
        insert = `insert into ${table} (${columns}) overriding system value select ${columns} from restored`;
        rows = client.query(copyFrom('copy restored from stdin'));
        break;
      }
      case 'rows':
        if (rows && !rows.write(part.lines)) await once(rows, 'drain');
        break;
      case 'end-of-table':
        rows?.end();
        if (rows) await finished(rows);
        await client.query(insert);
        await client.query('drop table restored');
        break;
    }
  }
  await advanceSequences(client);
}

/** The next id of a table follows the highest that was restored. */
async function advanceSequences(client: Client): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns
     where table_schema = 'sallyport' and is_identity = 'YES'`,
  );
  for (const { table, column } of rows) {
    await client.query(
      `select setval(pg_get_serial_sequence('sallyport."${table}"', '${column}'), max("${column}"))
       from sallyport."${table}" having max("${column}") is not null`,
    );
  }
}

/**
 * The rows of a single server become those of this data directory, which may be a new one: its server then ends what they say
 * was under way, as after a crash. With several servers, each finds its own.
 */
async function adoptRows(client: Client, { hosts }: BackupHeader, host: string): Promise<void> {
  const [only, ...others] = hosts;
  if (only === undefined || only === host || others.length > 0) return;
  for (const table of ['vms', 'auth_sessions', 'prompts'])
    await client.query(`update sallyport.${table} set host = $1 where host = $2`, [host, only]);
}

/** Credentials that rotate, and of which this data directory knows nothing. */
async function endUnknown(client: Client, rollbackGuard: RollbackGuard): Promise<number> {
  const { rows } = await client.query<{ user: string; provider: string; rotates: boolean | null }>(
    `select user_id as "user", provider, (facts ->> 'rotates')::boolean as rotates
     from sallyport.provider_credentials where valid`,
  );
  let ended = 0;
  for (const { user, provider, rotates } of rows) {
    if (rotates === false || (await rollbackGuard.recall(user, provider))) continue;
    await client.query(
      `update sallyport.provider_credentials set valid = false, invalid_reason = 'rolled-back'
       where user_id = $1 and provider = $2`,
      [user, provider],
    );
    ended += 1;
  }
  return ended;
}
