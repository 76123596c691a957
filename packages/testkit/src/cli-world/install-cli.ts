import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { type ProviderManifest, SallyportError } from '@sallyport/core';

/**
 * Installs the CLI a manifest pins below `cache`, once, and returns its executable. As in production: `npm ci`
 * without scripts, from the manifest's own lockfile. An executable that is a script runs with this Node.
 */
export async function installCli(
  { id, cli }: Pick<ProviderManifest, 'id' | 'cli'>,
  { cache, signal }: { readonly cache: string; readonly signal: AbortSignal },
): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const path = cli.bin[platform];
  if (path === undefined) {
    throw new SallyportError('PROVIDER_CLI_MISSING', `The manifest of ${id} names no executable for ${platform}.`);
  }
  const directory = join(cache, `${id}-${cli.version}`);
  const executable = join(directory, path);
  if (await exists(executable)) return executable;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    const name = `sallyport-cli-${id.replaceAll('_', '-')}`;
    const dependencies = { [cli.package]: cli.version };
    await writeFile(join(unfinished, 'package-lock.json'), cli.lockfile);
    await writeFile(join(unfinished, 'package.json'), JSON.stringify({ name, version: '0.0.0', dependencies }));
    const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', options, { signal, cwd: unfinished });
    await rename(unfinished, directory);
  } catch (error) {
    // Another run has been faster: a directory is never renamed onto one that is not empty.
    if (!(await exists(executable))) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return executable;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
