import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';

import type { Client } from 'pg';

import { processesOf } from '../../test/server/sallyport-process.ts';

/** Everything that a stopped server leaves: its rows, what machines have on this host, and their processes. */
export interface HostState {
  /** Table to its rows as JSON, oldest first. Without `servers`, which counts the starts. */
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  /** Machine IDs with a directory. */
  readonly machines: readonly string[];
  /** Machine IDs by the user ID that is claimed for each. */
  readonly claims: Readonly<Record<string, string>>;
  /** What the server keeps for itself, with the size of each file; machines' own disks are not in it. */
  readonly files: readonly string[];
  /** Command lines. */
  readonly processes: readonly string[];
}

export type Row = Readonly<Record<string, unknown>>;

/** A value of a row, in words. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export async function readHostState(database: Client, dataDirectory: string): Promise<HostState> {
  return {
    tables: await readTables(database),
    machines: (await list(join(dataDirectory, 'machines'))).filter((name) => name.startsWith('m-')),
    claims: await readClaims(join(dataDirectory, 'machine-users')),
    files: await listFiles(dataDirectory),
    processes: processesOf(dataDirectory),
  };
}

async function readTables(database: Client): Promise<HostState['tables']> {
  const { rows } = await database.query(
    `select table_name as name from information_schema.tables
     where table_schema = 'sallyport' and table_type = 'BASE TABLE' and table_name <> 'servers' order by 1`,
  );
  const tables: [string, readonly Row[]][] = [];
  for (const { name } of rows) {
    const found = await database.query(`select to_jsonb(t) as row from sallyport.${name} t order by to_jsonb(t)::text`);
    tables.push([name, found.rows.map(({ row }) => row)]);
  }
  return Object.fromEntries(tables);
}

async function readClaims(directory: string): Promise<HostState['claims']> {
  const names = (await list(directory)).filter((name) => /^\d+$/.test(name));
  const claims = names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(claims));
}

/** What machines wrote, installed programs, the fake internet, and the count of starts. */
const others = new Set(['machines', 'clis', 'internet', 'machine-programs', 'server.json']);

/** The files that the server keeps for itself. */
export async function serverFiles(dataDirectory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await list(dataDirectory)) {
    if (others.has(name)) continue;
    const path = join(dataDirectory, name);
    const isDirectory = (await stat(path)).isDirectory();
    if (!isDirectory) found.push(path);
    else {
      const below = await readdir(path, { recursive: true, withFileTypes: true });
      found.push(...below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)));
    }
  }
  return found.toSorted();
}

async function listFiles(dataDirectory: string): Promise<readonly string[]> {
  const files = await serverFiles(dataDirectory);
  const sizes = files.map(async (path) => `${relative(dataDirectory, path)} ${(await stat(path)).size}`);
  return Promise.all(sizes);
}

async function list(directory: string): Promise<readonly string[]> {
  const names: readonly string[] = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.toSorted();
}
