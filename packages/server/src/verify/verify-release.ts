import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { MethodChoice, Clock, FakeVendorModule } from '@sallyport/core';
import type { Provider } from '@sallyport/core/provider';
import { pinRelease } from '@sallyport/machines';

import { openVerification } from './verification.ts';
import type { Verification } from './verification.ts';
import { verifyMethod } from './verify-method.ts';
import type { MethodReport, ReleaseReport } from './report.ts';

export interface ReleaseVerification {
  readonly provider: Provider;
  readonly version: string;
  readonly fakeVendors: FakeVendorModule;
  /** CLIs that are installed below it are used again. Default: a new directory, removed afterwards. */
  readonly clisDirectory?: string | undefined;
  /** What waits longer for its next step waits for something it has never seen. Default 90 s; at least 10 s. */
  readonly patienceMs?: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** A login with nobody to wait for takes seconds. */
const PATIENCE_MS = 90_000;

/**
 * Installs one release of a provider's CLI in a clean place and takes it through everything: every login method,
 * a prompt, a refresh, a logout. Nothing of it stays, and no real vendor hears of it.
 */
export async function verifyRelease(options: ReleaseVerification): Promise<ReleaseReport> {
  const { version, clock, fakeVendors, signal, onProgress } = options;
  const { id, title, cli, logins } = options.provider.manifest;
  const facts = { provider: id, title, package: cli.package, version };
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-verify-'));
  const clisDirectory = options.clisDirectory ?? join(directory, 'clis');
  const patient = logins.map((method) => ({
    ...method,
    timeoutMs: Math.min(method.timeoutMs, options.patienceMs ?? PATIENCE_MS),
  }));
  try {
    onProgress(`${title} ${version}: installing`);
    const pinned = await pinRelease(cli, version, { signal });
    const provider = { ...options.provider, manifest: { ...options.provider.manifest, cli: pinned, logins: patient } };
    const verification = await openVerification({ provider, fakeVendors, directory, clisDirectory, clock, onProgress });
    try {
      await verification.install(signal);
      const methods: MethodReport[] = [];
      for (const way of waysToConnect(verification)) {
        onProgress(`${title} ${version}: ${way.method.id}`);
        methods.push(await verifyMethod(verification, way, signal));
      }
      return { ...facts, install: { outcome: 'ok' }, methods };
    } finally {
      await verification.close();
    }
  } catch (thrown) {
    // A release that cannot be had is a result; anything else is wrong with us.
    if (!SallyportError.isInstance(thrown) || thrown.code !== 'PROVIDER_CLI_MISSING') throw thrown;
    const { code, message, hint } = thrown;
    return { ...facts, install: { outcome: 'failed', code, message: `${message} ${hint}` }, methods: [] };
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Each method once, in the order of the manifest: where it may be shown on a desktop too, without one. */
function waysToConnect({ app, provider }: Verification): readonly MethodChoice[] {
  const { id, logins } = provider.manifest;
  const { choices } = app.logins.selection(id);
  const shown = choices.filter(({ method, display }) => {
    const local = choices.some((other) => other.method.id === method.id && other.display === 'local');
    return display !== 'desktop' || !local;
  });
  const place = ({ method }: MethodChoice): number => {
    const index = logins.findIndex((login) => login.id === method.id);
    return index < 0 ? logins.length : index;
  };
  return shown.toSorted((left, right) => place(left) - place(right));
}
