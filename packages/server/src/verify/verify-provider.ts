import { resolve } from 'node:path';

import { createRegistry, systemClock } from '@sallyport/core';
import { listReleases } from '@sallyport/machines';

import { loadConfig } from '../config/load-config.ts';
import { chooseReleases } from './choose-releases.ts';
import type { ReleaseChoice } from './choose-releases.ts';
import { loadFakeVendors } from './load-fake-vendors.ts';
import type { ReleaseReport } from './report.ts';
import { verifyRelease } from './verify-release.ts';

export interface ProviderVerification {
  /** Path of the configuration file that lists the provider. */
  readonly configFile: string;
  /** Id or alias of the provider. */
  readonly provider: string;
  /** Exact versions, or which of those on the registry. None: the version of the manifest. */
  readonly releases: readonly string[] | ReleaseChoice;
  /** See `ReleaseVerification.clisDirectory`. */
  readonly clisDirectory?: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** Verifies releases of a provider's CLI, one after the other, newest first. */
export async function verifyProvider(options: ProviderVerification): Promise<readonly ReleaseReport[]> {
  const { releases, signal, onProgress } = options;
  const configFile = resolve(options.configFile);
  const config = await loadConfig(configFile);
  const provider = createRegistry(config.providers).get(options.provider);
  const { cli } = provider.manifest;
  const fakeVendors = await loadFakeVendors(config.fakeVendors, provider.manifest, configFile);
  const versions =
    'latest' in releases ? chooseReleases(await listReleases(cli, { signal }), releases, systemClock.now()) : releases;
  const reports: ReleaseReport[] = [];
  for (const version of versions.length > 0 ? versions : [cli.version]) {
    const clisDirectory = options.clisDirectory && resolve(options.clisDirectory);
    reports.push(
      await verifyRelease({ provider, version, fakeVendors, clisDirectory, clock: systemClock, signal, onProgress }),
    );
  }
  return reports;
}
