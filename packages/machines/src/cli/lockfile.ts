import { SallyportError } from '@sallyport/core';
import type { ProviderManifest } from '@sallyport/core';

/** The part of a manifest that says which CLI to install. */
export type PinnedCli = ProviderManifest['cli'];

export interface CheckedLockfile {
  /** The package.json that `npm ci` wants beside the lockfile. */
  readonly packageJson: string;
  /** Packages to fetch, for showing progress. */
  readonly packageCount: number;
}

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly inBundle?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Checks that a manifest's lockfile pins the CLI and everything it needs by hash, before npm sees it. */
export function checkLockfile(cli: PinnedCli, provider: string): CheckedLockfile {
  const packages = parsePackages(cli.lockfile, provider);
  const locked = packages[`node_modules/${cli.package}`]?.version;
  if (locked !== cli.version) {
    throw invalid(provider, `pins ${cli.package} at ${locked ?? 'no version'}, but cli.version is ${cli.version}`);
  }
  const fetched = Object.entries(packages).filter(([path]) => path !== '');
  for (const [path, facts] of fetched) {
    if (facts.inBundle !== true && facts.integrity === undefined) {
      throw invalid(provider, `has no integrity hash for ${path}`);
    }
    if (facts.resolved !== undefined && !facts.resolved.startsWith('https://')) {
      throw invalid(provider, `takes ${path} from ${facts.resolved}, which is not an https address`);
    }
  }
  const dependencies = packages['']?.dependencies ?? { [cli.package]: cli.version };
  return {
    packageJson: JSON.stringify({ name: 'sallyport-cli', private: true, dependencies }, null, 2),
    packageCount: fetched.filter(([, facts]) => isForThisHost(facts)).length,
  };
}

/** npm leaves out what is made for other systems. */
function isForThisHost({ os, cpu }: LockedPackage): boolean {
  return (os?.includes(process.platform) ?? true) && (cpu?.includes(process.arch) ?? true);
}

function parsePackages(text: string, provider: string): Readonly<Record<string, LockedPackage>> {
  try {
    const { lockfileVersion, packages }: { lockfileVersion?: number; packages?: Record<string, LockedPackage> } =
      JSON.parse(text);
    if (lockfileVersion === 3 && packages) {
      return packages;
    }
  } catch (cause) {
    throw invalid(provider, 'is not JSON', cause);
  }
  throw invalid(provider, 'is not a package-lock.json of version 3');
}

function invalid(provider: string, problem: string, cause?: unknown): SallyportError {
  return new SallyportError('PROVIDER_MANIFEST_INVALID', `cli.lockfile of ${provider} ${problem}.`, {
    hint: 'Make it with `npm install --package-lock-only` for exactly the version in cli.version.',
    cause,
  });
}
