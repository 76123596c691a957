import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { exportMigrations } from './export-migrations.ts';

let work: string;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'sallyport-export-'));
});
afterEach(() => rm(work, { recursive: true, force: true }));

const first = { version: '20260101000000', name: 'sallyport_first', sql: 'create table sallyport.a ();\n' };
const second = { version: '20260102000000', name: 'sallyport_second', sql: 'create table sallyport.b ();\n' };

it('writes a file for each migration, which records itself', async () => {
  const directory = join(work, 'supabase', 'migrations');
  expect(await exportMigrations(directory, [first])).toEqual(['20260101000000_sallyport_first.sql']);
  const text = await readFile(join(directory, '20260101000000_sallyport_first.sql'), 'utf8');
  const parts = [
    'create schema if not exists sallyport',
    first.sql.trim(),
    "values ('20260101000000', 'sallyport_first')",
  ];
  const places = parts.map((part) => text.indexOf(part));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(places).not.toContain(-1);
});

it('adds only what is missing', async () => {
  await exportMigrations(work, [first]);
  expect(await exportMigrations(work, [first, second])).toEqual(['20260102000000_sallyport_second.sql']);
  expect(await exportMigrations(work, [first, second])).toEqual([]);
});

it('refuses a file that was changed, and writes nothing', async () => {
  await writeFile(join(work, '20260102000000_sallyport_second.sql'), 'drop table sallyport.b;');
  await expect(exportMigrations(work, [first, second])).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('20260102000000_sallyport_second.sql'),
  });
  expect(await readdir(work)).toEqual(['20260102000000_sallyport_second.sql']);
});
