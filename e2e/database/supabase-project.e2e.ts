import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { exportMigrations } from '../../packages/server/src/stores/migrations/export-migrations.ts';
import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { readMigrations } from '../../packages/server/src/stores/migrations/read-migrations.ts';
import { createPostgresStore } from '../../packages/server/src/stores/postgres-store.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import type { DebianPostgres } from '../support/debian-postgres.ts';
import { ensureSupabaseCli, runSupabase } from '../support/supabase-cli.ts';

let postgres: DebianPostgres;
let program: string;
let work: string;

beforeAll(async () => {
  [postgres, program] = await Promise.all([startDebianPostgres(), ensureSupabaseCli()]);
  work = await mkdtemp(join(tmpdir(), 'sallyport-project-'));
});
afterAll(async () => {
  await postgres.stop();
  await rm(work, { recursive: true, force: true });
});

let name: string;
let made = 0;
let project: string;
let connection: DebianPostgres['connection'];

/** A project with a table of the same name as one of ours, and an empty database for it. */
beforeEach(async () => {
  made += 1;
  name = `project_${made}`;
  await query(postgres.connection, `create database ${name}`);
  connection = { ...postgres.connection, database: name };
  project = join(work, name);
  await mkdir(join(project, 'supabase', 'migrations'), { recursive: true });
  await writeFile(join(project, 'supabase', 'config.toml'), `project_id = "${name}"\n`);
  await addMigration('20250101000000_theirs', 'create table public.prompts (title text);');
});

const addMigration = (file: string, sql: string) =>
  writeFile(join(project, 'supabase', 'migrations', `${file}.sql`), sql);

async function query(to: DebianPostgres['connection'], text: string) {
  const client = new Client(to);
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

function supabase(...words: readonly string[]) {
  const { host, port, user } = connection;
  const url = `postgresql://${user}@127.0.0.1:${port}/${name}?host=${encodeURIComponent(host)}&sslmode=disable`;
  return runSupabase(program, [...words, '--db-url', url, '--yes'], project);
}

/** Versions of the local files and of the database, as the command line lists them. */
async function listed() {
  const { code, text } = await supabase('migration', 'list');
  expect(code, text).toBe(0);
  const rows = text.matchAll(/^\s*`?(\d{14})?`?\s*\|\s*`?(\d{14})?`?\s*\|/gm);
  return Array.from(rows, ([, local = '', remote = '']) => ({ local, remote }));
}

describe("a project of Supabase's command line", () => {
  it('takes our migrations among its own, and the server goes on with them', async () => {
    const directory = join(project, 'supabase', 'migrations');
    await exportMigrations(directory, await readMigrations());
    const pushed = await supabase('db', 'push');
    expect(pushed.code, pushed.text).toBe(0);
    const versions = (await readdir(directory)).map((file) => file.slice(0, 14)).toSorted();
    expect(await listed()).toEqual(versions.map((version) => ({ local: version, remote: version })));

    expect(await migrate({ connection })).toEqual([]);
    const store = createPostgresStore({ connection });
    expect((await store.users.ensure('6f8b1a52-3c1f-4b53-8d1a-0d9b3c2a7e11', 'ada')).externalId).toBe('ada');
    await store.close();
    expect((await query(connection, 'select * from public.prompts')).rows).toEqual([]);
  });

  it('can push beside a server that applied its migrations itself', async () => {
    expect((await migrate({ connection })).length).toBeGreaterThan(0);
    const pushed = await supabase('db', 'push');
    expect(pushed.code, pushed.text).toBe(0);
    await addMigration('20250102000000_more', 'alter table public.prompts add author text;');
    expect((await supabase('db', 'push')).code).toBe(0);
    expect(await listed()).toEqual(
      ['20250101000000', '20250102000000'].map((version) => ({ local: version, remote: version })),
    );
  });

  it('can push again once the server has moved the tables of an earlier release', async () => {
    const dump = resolve(import.meta.dirname, '../../test/kept-data/2026-11-29/database.sql');
    await query(connection, await readFile(dump, 'utf8'));
    await rm(join(project, 'supabase', 'migrations', '20250101000000_theirs.sql'));
    await addMigration('20270101000000_theirs', 'create table public.prompts (title text);');
    const refused = await supabase('db', 'push');
    expect(refused.code).not.toBe(0);
    expect(refused.text).toContain('20261123000000');

    await migrate({ connection });
    const pushed = await supabase('db', 'push');
    expect(pushed.code, pushed.text).toBe(0);
    expect(await listed()).toEqual([{ local: '20270101000000', remote: '20270101000000' }]);
    const { rows } = await query(connection, 'select external_id from sallyport.users order by external_id');
    expect(rows).toEqual([{ external_id: 'ada' }, { external_id: 'grace' }]);
  });
});
