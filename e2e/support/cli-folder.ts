import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { cliPrograms } from '@sallyport/core/driver';
import type { ProviderManifest } from '@sallyport/core/provider';

/** A data directory that shares no installed CLI with other runs. */
export async function makeBareDataDirectory(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'sp-e2e-'));
}

/** The directory in which a server looks for a CLI, marked as completely installed. What is in it is up to the test. */
export async function plantCliDirectory(dataDirectory: string, manifest: ProviderManifest): Promise<string> {
  const { package: name, lockfile, version } = manifest.cli;
  const hash = createHash('sha256')
    .update(JSON.stringify([name, lockfile]))
    .digest('hex');
  const folder = join(dataDirectory, 'clis', `${manifest.id}-${version}-${hash.slice(0, 12)}`);
  await mkdir(folder, { recursive: true });
  // Machines read it as other users of this host.
  for (const each of [dirname(folder), folder]) await chmod(each, 0o755);
  await writeFile(join(folder, '.sallyport-complete'), hash);
  return folder;
}

/** Puts a shell script where a provider's CLI belongs. */
export async function plantCliScript(dataDirectory: string, manifest: ProviderManifest, script: string): Promise<void> {
  const [bin] = cliPrograms(manifest.cli, `${process.platform}-${process.arch}`);
  if (bin === undefined) throw new Error(`The manifest of ${manifest.id} has no program for this host.`);
  const executable = join(await plantCliDirectory(dataDirectory, manifest), bin);
  await mkdir(dirname(executable), { recursive: true });
  await writeFile(executable, `#!/bin/sh\n${script}\n`);
  await chmod(executable, 0o755);
}
