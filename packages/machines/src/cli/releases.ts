import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { asRecord, readable } from '@sallyport/core/driver';
import type { JsonRecord } from '@sallyport/core/driver';

import type { ProbedSandbox } from '../host/probed-sandbox.ts';
import { askNpm } from './ask-npm.ts';
import type { NpmQuery } from './ask-npm.ts';
import type { PinnedCli } from './lockfile.ts';
import { dropMissingOptionals } from './drop-missing.ts';
import { openNpmEgress } from './npm-egress.ts';
import { npmSandbox } from './npm-sandbox.ts';
import { readNpmSettings } from './npm-settings.ts';
import type { NpmSettings } from './npm-settings.ts';
import { findNpm } from './npm.ts';

export interface ReleaseOptions {
  readonly signal: AbortSignal;
  /** The npm to run. Default: the one beside this Node, else the first in PATH. */
  readonly npm?: string;
  /** What keeps npm from this host. Default: bubblewrap, where it works. */
  readonly sandbox?: ProbedSandbox;
}

/** A released version of a CLI. */
export interface Release {
  readonly version: string;
  /** When the registry got it, in ms since the epoch. Absent where the registry does not say. */
  readonly publishedAt: number | undefined;
}

/** The releases of a CLI, oldest version first. Pre-releases and builds for one platform are none. */
export async function listReleases(
  cli: Pick<PinnedCli, 'package'>,
  options: ReleaseOptions,
): Promise<readonly Release[]> {
  const answer = await askRegistry(options, cli.package, ({ npm }) =>
    npm(['view', cli.package, 'versions', 'time', '--json']),
  );
  const { versions, time } = readView(answer);
  const published = (version: string): number | undefined => {
    const at = Date.parse(readable(time[version]));
    return Number.isNaN(at) ? undefined : at;
  };
  return versions
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version))
    .toSorted(compareVersions)
    .map((version) => ({ version, publishedAt: published(version) }));
}

/**
 * Another version of a CLI, pinned as the manifest pins its own: npm resolves it in a clean directory and writes the
 * lockfile, without running or even fetching anything of it.
 */
export async function pinRelease(cli: PinnedCli, version: string, options: ReleaseOptions): Promise<PinnedCli> {
  if (version === cli.version) return cli;
  const dependencies = { [cli.package]: version };
  const lockfile = await askRegistry(options, `${cli.package} ${version}`, async ({ npm, directory }) => {
    await writeFile(
      join(directory, 'package.json'),
      JSON.stringify({ name: 'sallyport-cli', version: '0.0.0', private: true, dependencies }),
    );
    await npm([
      'install',
      '--package-lock-only',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      // The registry is that of the host which installs it.
      '--omit-lockfile-registry-resolved',
    ]);
    return dropMissingOptionals(await readFile(join(directory, 'package-lock.json'), 'utf8'));
  });
  return { ...cli, version, lockfile };
}

/** How npm reaches its registries on this host. */
export async function askSettings(options: ReleaseOptions): Promise<NpmSettings> {
  const programs = await findPrograms(options);
  return askNpm({ ...programs, what: 'its registries', egress: undefined }, readNpmSettings);
}

async function askRegistry(
  options: ReleaseOptions,
  what: string,
  work: (query: NpmQuery) => Promise<string>,
): Promise<string> {
  const programs = await findPrograms(options);
  const egress = await openNpmEgress(programs);
  try {
    return await askNpm({ ...programs, what, egress }, work);
  } finally {
    await egress?.close();
  }
}

async function findPrograms({ npm: named, sandbox: chosen, signal }: ReleaseOptions) {
  const npm = named ?? (await findNpm());
  if (npm === undefined) {
    throw new SallyportError('PROVIDER_CLI_MISSING', 'npm was not found in PATH or beside Node.', {
      hint: 'Install npm, for instance from nodejs.org.',
    });
  }
  return { npm, sandbox: chosen ?? (await npmSandbox()), signal };
}

/** Where the registry gives no times, npm answers with the versions alone, and may answer with a single one as a string. */
function readView(answer: string): { readonly versions: readonly string[]; readonly time: JsonRecord } {
  const parsed: unknown = JSON.parse(answer);
  const both = asRecord(parsed);
  const versions = both['versions'] ?? parsed;
  const list: readonly unknown[] = Array.isArray(versions) ? versions : [versions];
  return { versions: list.filter((version) => typeof version === 'string'), time: asRecord(both['time']) };
}

function compareVersions(left: string, right: string): number {
  const [one, other] = [left, right].map((version) => version.split('.').map(Number));
  for (const place of [0, 1, 2]) {
    const difference = (one?.[place] ?? 0) - (other?.[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
