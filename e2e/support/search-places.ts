import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { Client, types } from 'pg';
import type { ClientConfig, QueryArrayConfig } from 'pg';

import type { CanarySearch, Find } from './canary-search.ts';

export interface Searched {
  readonly finds: readonly Find[];
  /** How much was looked at: a search of nothing finds nothing. */
  readonly looked: number;
}

/** Every file below a directory, as it is at this moment. Links lead elsewhere, and sockets hold nothing. */
export async function searchFiles(search: CanarySearch, root: string): Promise<Searched> {
  const finds: Find[] = [];
  let looked = 0;
  const visit = async (folder: string): Promise<void> => {
    for (const name of (await unlessGone(readdir(folder))) ?? []) {
      const path = join(folder, name);
      const facts = await unlessGone<Stats>(lstat(path));
      if (facts?.isDirectory()) await visit(path);
      if (!facts?.isFile()) continue;
      const content = await unlessGone(readFile(path));
      if (!content) continue;
      looked += 1;
      finds.push(
        ...search.in(relative(root, path), content),
        ...search.in(`the name of ${relative(root, path)}`, name),
      );
    }
  };
  await visit(root);
  return { finds, looked };
}

/** Every value of every column of every table that is not PostgreSQL's own, and what its activity view shows. */
export async function searchDatabase(search: CanarySearch, connection: ClientConfig): Promise<Searched> {
  const client = new Client(connection);
  await client.connect();
  const finds: Find[] = [];
  let looked = 0;
  try {
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
       where table_schema not in ('pg_catalog', 'information_schema')`,
    );
    for (const name of [...tables.rows.map((table) => table.name), 'pg_catalog.pg_stat_activity']) {
      // Everything as PostgreSQL prints it, but bytes as they are.
      const query: QueryArrayConfig = {
        text: `select * from ${name}`,
        rowMode: 'array',
        types: { getTypeParser: parserOf },
      };
      const { rows, fields } = await client.query<(string | Buffer | null)[]>(query);
      for (const row of rows) {
        for (const [index, value] of row.entries()) {
          if (value === null) continue;
          looked += 1;
          finds.push(...search.in(`${name}.${fields[index]?.name}`, value));
        }
      }
    }
  } finally {
    await client.end();
  }
  return { finds, looked };
}

function parserOf(type: number): (value: string) => string | Buffer {
  return type === BYTEA ? (value) => Buffer.from(value.slice(2), 'hex') : (value) => value;
}

const BYTEA: number = types.builtins.BYTEA;

async function unlessGone<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}
