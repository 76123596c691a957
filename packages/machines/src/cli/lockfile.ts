import { SallyportError } from '@sallyport/core';
import { readLockfile } from '@sallyport/core/driver';
import type { LockedPackage } from '@sallyport/core/driver';
import type { ProviderManifest } from '@sallyport/core/provider';

import type { NpmSettings } from './npm-settings.ts';

/** The part of a manifest that says which CLI to install. */
export type PinnedCli = ProviderManifest['cli'];

export interface CheckedLockfile {
  /** The package.json that `npm ci` wants beside the lockfile. */
  readonly packageJson: string;
  /** Packages to fetch, for showing progress. */
  readonly packageCount: number;
}

/**
 * Checks that a manifest's lockfile pins the CLI and everything it needs by hash, before npm sees it.
 *
 * @param settingsOf Asked for the registries of the host if the lockfile names one.
 */
export async function checkLockfile(
  cli: PinnedCli,
  provider: string,
  settingsOf: () => Promise<Pick<NpmSettings, 'registryFor'>>,
): Promise<CheckedLockfile> {
  // The schema of manifests does this too; a lockfile of another release has not been through it.
  const lockfile = readLockfile(cli.lockfile);
  if (typeof lockfile === 'string') throw invalid(provider, lockfile);
  const locked = lockfile.packages.get(`node_modules/${cli.package}`)?.version;
  if (locked !== cli.version) {
    throw invalid(provider, `pins ${cli.package} at ${locked ?? 'no version'}, but cli.version is ${cli.version}`);
  }
  const named = [...lockfile.packages].flatMap(([path, { name, resolved }]) =>
    resolved === undefined ? [] : [{ path, packageName: name ?? nameIn(path), resolved }],
  );
  const settings = named.length > 0 ? await settingsOf() : undefined;
  for (const { path, packageName, resolved } of named) {
    const registry = settings?.registryFor(packageName)?.origin;
    if (URL.parse(resolved)?.origin === registry) continue;
    const where = `outside the registry ${registry ?? 'of this host'}`;
    throw invalid(provider, `entry ${JSON.stringify(path)} is resolved to ${resolved}, ${where}`);
  }
  const isNamed = Object.keys(lockfile.dependencies).length > 0;
  const dependencies = isNamed ? lockfile.dependencies : { [cli.package]: cli.version };
  return {
    packageJson: JSON.stringify({ name: 'sallyport-cli', private: true, dependencies }, null, 2),
    packageCount: [...lockfile.packages.values()].filter(isForThisHost).length,
  };
}

/** The package at a path such as `node_modules/a/node_modules/@b/c`, unless its entry has another name. */
function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** npm leaves out what is made for other systems. */
function isForThisHost({ os, cpu }: LockedPackage): boolean {
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
}

function invalid(provider: string, problem: string): SallyportError {
  return new SallyportError('PROVIDER_MANIFEST_INVALID', `cli.lockfile of ${provider} ${problem}.`, {
    hint: 'Make it with `npm install --package-lock-only --omit-lockfile-registry-resolved` for exactly the version in cli.version.',
  });
}
