import { execFile } from 'node:child_process';
import { access, chmod, lstat, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { cliPrograms, createNpmCause, endOfNpm, isJavaScript } from '@sallyport/core/driver';
import { type ProviderManifest } from '@sallyport/core/provider';

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
    const problem = await runNpm(unfinished, signal);
    if (problem !== undefined) {
      throw new SallyportError('PROVIDER_CLI_MISSING', `npm could not install ${cli.package} ${cli.version}.`, {
        hint: problem,
      });
    }
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

/** Returns why npm failed, in its own words and without its usage text. Throws where the signal ended it. */
async function runNpm(directory: string, signal: AbortSignal): Promise<string | undefined> {
  const options = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier'];
  const cause = createNpmCause();
  return new Promise((resolve, reject) => {
    const settings = { signal, cwd: directory, maxBuffer: MOST_PRINTED };
    execFile('npm', options, settings, (error, stdout, stderr) => {
      for (const line of `${stdout}\n${stderr}`.split('\n')) cause.add(line);
      if (error === null) {
        resolve(cause.unpackFailure());
      } else if (signal.aborted) {
        reject(error);
      } else {
        const exitCode = typeof error.code === 'number' ? error.code : undefined;
        const end = { exitCode, signal: error.signal ?? undefined, originalMessage: error.message };
        resolve(cause.failure(endOfNpm(end)));
      }
    });
  });
}

/** Characters of npm's output. */
const MOST_PRINTED = 16 * 1024 * 1024;

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
