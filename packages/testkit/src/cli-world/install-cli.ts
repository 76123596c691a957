import { execFile } from 'node:child_process';
import { access, chmod, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { cliPrograms, isJavaScript, type ProviderManifest, SallyportError } from '@sallyport/core';

/**
 * Installs the CLI a manifest pins below `cache`, once, and returns its executable. As in production: `npm ci`
 * without scripts, from the manifest's own lockfile. An executable that is a script runs with this Node.
 */
export async function installCli(
  { id, cli }: Pick<ProviderManifest, 'id' | 'cli'>,
  { cache, signal }: { readonly cache: string; readonly signal: AbortSignal },
): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const programs = cliPrograms(cli, platform);
  if (programs.length === 0) {
    throw new SallyportError('PROVIDER_CLI_MISSING', `The manifest of ${id} names no executable for ${platform}.`);
  }
  const directory = join(cache, `${id}-${cli.version}`);
  const installed = await firstOf(directory, programs);
  if (installed !== undefined) return installed;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${directory}.unfinished-`);
  try {
    const name = `sallyport-cli-${id.replaceAll('_', '-')}`;
    const dependencies = { [cli.package]: cli.version };
    await writeFile(join(unfinished, 'package-lock.json'), cli.lockfile);
    await writeFile(join(unfinished, 'package.json'), JSON.stringify({ name, version: '0.0.0', dependencies }));
    const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    await promisify(execFile)('npm', options, { signal, cwd: unfinished });
    // As in production: a binary may come without an exec bit, since no install script sets it.
    const unpacked = await firstOf(unfinished, programs);
    if (unpacked !== undefined && !isJavaScript(unpacked) && (await lstat(unpacked)).isFile()) {
      await chmod(unpacked, 0o755);
    }
    await rename(unfinished, directory);
  } catch (error) {
    // Another run has been faster: a directory is never renamed onto one that is not empty.
    if ((await firstOf(directory, programs)) === undefined) throw error;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  const executable = await firstOf(directory, programs);
  if (executable !== undefined) return executable;
  throw new SallyportError(
    'PROVIDER_CLI_MISSING',
    `${cli.package} ${cli.version} was installed in ${directory} and has no ${programs.join(' and no ')}.`,
    { hint: `Name in \`cli.bin\` of the manifest of ${id} where this release has its executable.` },
  );
}

async function firstOf(directory: string, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths.map((each) => join(directory, each))) {
    const exists = await access(path).then(
      () => true,
      () => false,
    );
    if (exists) return path;
  }
  return undefined;
}
