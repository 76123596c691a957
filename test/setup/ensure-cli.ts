import { execFile } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { ProviderManifest } from '@sallyport/core';

const cache = fileURLToPath(new URL('../../node_modules/.cache/sallyport/clis', import.meta.url));

/** A provider's real CLI as its manifest pins it. */
export interface InstalledCli {
  readonly folder: string;
  /** Its program, or its script for Node. */
  readonly program: string;
}

/** Installs a CLI once below `node_modules/.cache`, the way a server does: from the lockfile, without any script. */
export async function ensureCli({ id, title, cli }: ProviderManifest, signal: AbortSignal): Promise<InstalledCli> {
  const { package: name, version, lockfile, bin } = cli;
  const platform = `${process.platform}-${process.arch}`;
  const path = bin[platform];
  if (path === undefined) throw new Error(`There is no ${title} for ${platform}.`);
  const folder = join(cache, `${id}-${version}`);
  const installed = { folder, program: join(folder, path) };
  if (await exists(installed.program)) return installed;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${folder}.unfinished-`);
  try {
    await writeFile(join(unfinished, 'package-lock.json'), lockfile);
    // npm compares it with what the lockfile says of it.
    const description = { ...JSON.parse(lockfile).packages[''], dependencies: { [name]: version } };
    await writeFile(join(unfinished, 'package.json'), JSON.stringify(description));
    const options = { signal, cwd: unfinished };
    await promisify(execFile)('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], options);
    // Made for us alone; machines run as other users.
    await chmod(unfinished, 0o755);
    await rename(unfinished, folder);
  } catch (error) {
    // Another run has been faster: a folder is never renamed onto one that is not empty.
    if (!(await exists(installed.program))) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return installed;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
