import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';

/** One file of `migrations/`. */
export interface Migration {
  /** 14 digits. */
  readonly version: string;
  /** Starts with `sallyport_`, which tells our migrations from those of the product that shares the database. */
  readonly name: string;
  readonly sql: string;
}

/** The migrations of this package, oldest first. */
export async function readMigrations(directory: string = migrationsDirectory): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.sql')).toSorted();
  return Promise.all(
    files.map(async (file) => {
      const [, version, name] = /^(\d{14})_(sallyport_[a-z0-9_]+)\.sql$/.exec(file) ?? [];
      if (version === undefined || name === undefined) {
        throw new SallyportError('INTERNAL', `${file} must be named <14 digits>_sallyport_<name>.sql.`);
      }
      return { version, name, sql: await readFile(join(directory, file), 'utf8') };
    }),
  );
}

/** Beside package.json: this file lies at one depth in `src` and, bundled, at another in `dist`. */
const migrationsDirectory = join(
  dirname(createRequire(import.meta.url).resolve('@sallyport/server/package.json')),
  'migrations',
);
