import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { cliPrograms } from '@sallyport/core/driver';
import type { ProviderManifest } from '@sallyport/core/provider';
import { createCliInstaller } from '@sallyport/machines';

import { cliCache } from './cache.ts';
import { HANG_LIMIT_MS } from './hang-limit.ts';

/** A provider's real CLI, as its manifest pins it. */
export interface InstalledCli {
  readonly directory: string;
  /** Its executable, or its script for Node. */
  readonly program: string;
}

const installer = createCliInstaller({ directory: cliCache });

/** Installs a CLI where the servers under test look for it, the way a server does. */
export async function ensureCli({ id, title, cli }: ProviderManifest): Promise<InstalledCli> {
  const options = { signal: AbortSignal.timeout(HANG_LIMIT_MS), onProgress: () => {} };
  const directory = await installer.ensure(cli, id, options);
  const program = cliPrograms(cli, `${process.platform}-${process.arch}`)
    .map((path) => join(directory, path))
    .find((path) => existsSync(path));
  if (program === undefined) throw new Error(`There is no ${title} in ${directory}.`);
  return { directory, program };
}
