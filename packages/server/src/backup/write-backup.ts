import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

import { SallyportError } from '@sallyport/core';
import type { Client, ClientConfig } from 'pg';
import { to as copyTo } from 'pg-copy-streams';

import { hasCode } from '../host/node-error.ts';
import { syncDirectory } from '../host/sync-directory.ts';
import { hasHistory } from '../stores/migrations/migrate.ts';
import { connect } from '../stores/routes/connect.ts';
import { BACKUP_FORMAT, END_OF_ROWS, leftOut } from './format.ts';
import type { BackupHeader } from './format.ts';

export interface BackupOptions {
  readonly connection: ClientConfig;
  /** Must not exist. Readable by its owner alone. */
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface Backup {
  readonly header: BackupHeader;
  readonly rows: number;
}

interface Table {
  readonly table: string;
  readonly columns: readonly string[];
}

/**
 * Writes all that is stored, as it was at one moment, into a file; servers may go on meanwhile. Credentials are in it as they are
 * stored: sealed. The file is complete or not there.
 */
export async function writeBackup({ connection, path, now }: BackupOptions): Promise<Backup> {
  const unfinished = `${path}.part`;
  const file = await open(path, 'wx', 0o600).catch((error: unknown) => refuseFile(path, error));
  await file.close();
  let client: Client | undefined;
  try {
    client = await connect({ application_name: 'sallyport backup', ...connection });
    await client.query('begin transaction isolation level repeatable read, read only');
    const header = await readHeader(client, now);
    const counted = { rows: 0 };
    await pipeline(
      Readable.from(linesOf(client, header, counted)),
      createGzip(),
      createWriteStream(unfinished, { mode: 0o600, flush: true }),
    );
    await rename(unfinished, path);
    await syncDirectory(dirname(path));
    return { header, rows: counted.rows };
  } catch (error) {
    await rm(unfinished, { force: true });
    await rm(path, { force: true });
    throw error;
  } finally {
    await client?.end().catch(() => undefined);
  }
}

async function* linesOf(client: Client, header: BackupHeader, counted: { rows: number }): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  const hashed = (chunk: Buffer): Buffer => {
    hash.update(chunk);
    return chunk;
  };
  yield hashed(line(header));
  for (const table of await readTables(client)) {
    yield hashed(line(table));
    const columns = table.columns.map((column) => `"${column}"`).join(', ');
    const rows = client.query(copyTo(`copy (select ${columns} from sallyport."${table.table}") to stdout`));
    for await (const chunk of rows) {
      const bytes = Buffer.from(chunk);
      counted.rows += countLines(bytes);
      yield hashed(bytes);
    }
    yield hashed(Buffer.from(`${END_OF_ROWS}\n`));
  }
  yield line({ rows: counted.rows, sha256: hash.digest('hex') });
}

function line(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at !== -1; at = bytes.indexOf(0x0a, at + 1)) count += 1;
  return count;
}

async function readHeader(client: Client, now: number): Promise<BackupHeader> {
  if (!(await hasHistory(client))) {
    throw new SallyportError('CONFIG_INVALID', 'There is nothing to back up: the database has no schema sallyport.', {
      hint: 'Name the database of your server by DATABASE_URL, or its data directory by SALLYPORT_DATA_DIR.',
    });
  }
  const read = async (sql: string): Promise<string[]> =>
    (await client.query<{ value: string }>(sql)).rows.map(({ value }) => value);
  const { rows: migrations } = await client.query<{ version: string; name: string }>(
    'select version, name from sallyport.migrations order by version',
  );
  return {
    sallyportBackup: BACKUP_FORMAT,
    takenAt: new Date(now).toISOString(),
    migrations,
    masterKeys: await read('select distinct key_id as value from sallyport.provider_credentials order by 1'),
    hosts: await read(underWay),
  };
}

/** Hosts of machines that are there, and of logins and prompts that have not ended. */
const underWay = `
  select host as value from sallyport.vms where status <> 'destroyed'
  union select host from sallyport.auth_sessions where host is not null and status in ('pending', 'ready', 'awaiting_user_auth')
  union select host from sallyport.prompts where host is not null and status = 'running'
  order by 1`;

/** Those that others refer to first. */
async function readTables(client: Client): Promise<readonly Table[]> {
  const { rows: tables } = await client.query<Table>(
    `select c.relname as table, array_agg(a.attname::text order by a.attnum) as columns
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'sallyport'::regnamespace and c.relkind = 'r' and c.relname <> all ($1)
       and a.attgenerated = ''
     group by c.relname order by c.relname`,
    [leftOut],
  );
  const { rows: references } = await client.query<{ from: string; to: string }>(
    `select f.relname as "from", t.relname as "to" from pg_constraint k
     join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
     where k.contype = 'f' and f.relnamespace = 'sallyport'::regnamespace`,
  );
  const sorted: Table[] = [];
  const add = (table: Table): void => {
    if (sorted.includes(table)) return;
    for (const { to } of references.filter(({ from }) => from === table.table)) {
      const target = tables.find((each) => each.table === to);
      if (target && target !== table) add(target);
    }
    sorted.push(table);
  };
  for (const table of tables) add(table);
  return sorted;
}

function refuseFile(path: string, error: unknown): never {
  if (hasCode(error, 'EEXIST')) {
    throw new SallyportError('CONFIG_INVALID', `${path} exists already.`, { hint: 'Name another file.' });
  }
  throw new SallyportError('CONFIG_INVALID', `${path} cannot be written.`, {
    hint: 'Name a file in a directory that exists and that you may write.',
    cause: error,
  });
}
