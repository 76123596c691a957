import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { createHistory } from './history.ts';
import type { Migration } from './read-migrations.ts';

/**
 * Writes the migrations as files for a Supabase project's own `supabase/migrations`. Each also records itself in
 * `sallyport.migrations`, so that the server finds that it was applied. Leaves files that are there already, and returns the
 * names of the new ones.
 *
 * @throws {SallyportError} `CONFIG_INVALID` if a file is there with another content, before anything is written.
 */
export async function exportMigrations(
  directory: string,
  migrations: readonly Migration[],
): Promise<readonly string[]> {
  const files = migrations.map((migration) => ({
    name: `${migration.version}_${migration.name}.sql`,
    text: withRecord(migration),
  }));
  const missing: typeof files = [];
  for (const file of files) {
    const path = join(directory, file.name);
    const present = await readFile(path, 'utf8').catch(() => undefined);
    if (present === undefined) missing.push(file);
    else if (present !== file.text) {
      throw new SallyportError('CONFIG_INVALID', `${path} is there already, with another content.`, {
        hint: 'Remove it if the project has not applied it yet. One that was applied must stay as it is.',
      });
    }
  }
  await mkdir(directory, { recursive: true });
  for (const { name, text } of missing) await writeFile(join(directory, name), text, { flag: 'wx' });
  return missing.map(({ name }) => name);
}

function withRecord({ version, name, sql }: Migration): string {
  return [
    '-- Of @sallyport/server. Do not edit.',
    createHistory.trim(),
    '',
    sql.trim(),
    '',
    `insert into sallyport.migrations (version, name) values ('${version}', '${name}') on conflict do nothing;`,
    '',
  ].join('\n');
}
