import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import type { LoginMethod, Provider } from '@sallyport/core/provider';
import { hasPassed, renderTable, verifyRelease } from '@sallyport/server';
import type { ReleaseReport } from '@sallyport/server';
import { createFakeLogin, fakeCliExecutable, writeFakeCli } from '@sallyport/testkit';
import { createFakeVendorModule } from '@sallyport/testkit/vendors';
import type { FakeCliScript } from '@sallyport/testkit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { chooseIsolation } from '../../packages/machines/src/process/isolation.ts';
import { HANG_LIMIT_MS } from '../support/hang-limit.ts';

/** The fake CLI takes the place of a vendor's here; the real ones are gone through in `npm run e2e -- providers`. */

/** As machines see it. */
const node = (await chooseIsolation('auto')).bubblewrap ? '/opt/node/bin/node' : process.execPath;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-verify-'));
  vi.stubEnv('TMPDIR', directory);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

describe('verifying a release of a CLI', () => {
  it('takes every method through login, prompt and logout, and leaves nothing on the host', async () => {
    const report = await verify({});
    expect(report.install).toEqual({ outcome: 'ok' });
    expect(outcomes(report)).toEqual({
      browser: { login: 'ok', prompt: 'ok', refresh: 'none', logout: 'ok' },
      paste: { login: 'ok', prompt: 'ok', refresh: 'none', logout: 'ok' },
    });
    expect(hasPassed(report)).toBe(true);
    expect(await readdir(directory)).toEqual(['clis']);
  });

  it('reports a screen that no rule of the method matches, without its secrets', async () => {
    const question = 'Which colour do you like best? It matters: tokenAbCdEfGhIjKlMnOpQrStUvWx ';
    const report = await verify({
      script: { questions: [{ text: question, expect: 'blue' }] },
      // As if the manifest had been written before the CLI began to ask.
      method: ({ drive, ...method }) => ({
        ...method,
        drive: drive.kind === 'terminal' ? { ...drive, steps: drive.steps.slice(1) } : drive,
      }),
      only: 'browser',
      patienceMs: 10_000,
    });
    expect(outcomes(report)['browser']).toEqual({
      login: 'failed',
      prompt: 'not-reached',
      refresh: 'not-reached',
      logout: 'not-reached',
    });
    const { login } = report.methods[0]?.steps ?? {};
    expect(login).toMatchObject({
      code: 'LOGIN_DRIFT',
      message: expect.stringMatching(/^What Fake CLI 1\.0\.0 showed matches no rule of its login method browser: /),
      screen: expect.stringContaining('Which colour do you like best?'),
    });
    expect(JSON.stringify(login)).not.toContain('tokenAbCdEf');
    expect(hasPassed(report)).toBe(false);
    const table = renderTable([report]);
    expect(table).toMatch(/^1\.0\.0 +browser +FAILED +\. +\. +\.$/m);
    expect(table).toContain('1.0.0 browser, login: LOGIN_DRIFT: What Fake CLI');
    expect(table).toMatch(/^ {4}\| Which colour/m);
  });

  it('reports a login that works although the CLI says so in words no rule knows', async () => {
    const report = await verify({ method: (method) => ({ ...method, success: [{ text: 'Welcome back.' }] }) });
    expect(report.methods[0]?.steps.login).toMatchObject({
      outcome: 'failed',
      code: 'LOGIN_DRIFT',
      screen: expect.stringContaining('Logged in.'),
    });
    // The rest still tells whether it is only the words.
    expect(outcomes(report)['browser']).toMatchObject({ prompt: 'ok', logout: 'ok' });
  });

  it('reports a CLI that goes on with a token that has ended', async () => {
    const report = await verify({ rotates: true });
    expect(outcomes(report)['paste']).toEqual({ login: 'ok', prompt: 'ok', refresh: 'failed', logout: 'ok' });
    expect(renderTable([report])).toContain('The CLI answered without refreshing a token that had ended.');
  });

  it('holds what the commands of the CLI end with against the manifest', async () => {
    const commands = { status: { argv: ['status'], exits: { '0': 'not-logged-in' as const } } };
    const report = await verify({ commands });
    expect(report.methods[0]?.steps.logout).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('`status` ended with 0, which means not-logged-in and not ok'),
    });
  });

  it('reports a key that is asked for and that the fake vendor does not have', async () => {
    const report = await verify({ keys: true, only: 'paste' });
    expect(outcomes(report)).toMatchObject({ paste: { login: 'ok' }, 'api-key': { login: 'failed' } });
    expect(renderTable([report])).toContain('The fake vendor has no answer to the prompt api_key.');
  });

  it('takes a release that has its program at another of the paths in the manifest', async () => {
    const bin = { [`${process.platform}-${process.arch}`]: ['node_modules/fake-cli/bin/fake-cli', fakeCliExecutable] };
    const report = await verify({ bin, only: 'paste' });
    expect(outcomes(report)).toEqual({ paste: { login: 'ok', prompt: 'ok', refresh: 'none', logout: 'ok' } });
  });

  it('reports a release that cannot be installed', async () => {
    const report = await verify({ bin: {} });
    expect(report).toMatchObject({ install: { outcome: 'failed', code: 'PROVIDER_CLI_MISSING' }, methods: [] });
    expect(renderTable([report])).toMatch(/^1\.0\.0 +\(installation\) +FAILED/m);
  });
});

interface Case {
  readonly script?: FakeCliScript;
  readonly method?: (method: LoginMethod) => LoginMethod;
  readonly commands?: Provider['manifest']['commands'];
  /** Whether the credential says of itself that it is refreshed. */
  readonly rotates?: boolean;
  /** Whether keys can be handed over too. The fake vendor has none. */
  readonly keys?: boolean;
  readonly bin?: Provider['manifest']['cli']['bin'];
  /** Id of the one method to try. */
  readonly only?: string;
  readonly patienceMs?: number;
}

async function verify(options: Case): Promise<ReleaseReport> {
  const { script, method = (same) => same, rotates = false, only } = options;
  const clisDirectory = join(directory, 'clis');
  const name = 'fake-cli';
  const integrity = `sha512-${'A'.repeat(86)}==`;
  const lockfile = JSON.stringify({
    lockfileVersion: 3,
    packages: { '': { dependencies: { [name]: '1.0.0' } }, [`node_modules/${name}`]: { version: '1.0.0', integrity } },
  });
  const hash = createHash('sha256')
    .update(JSON.stringify([name, lockfile]))
    .digest('hex');
  const folder = join(clisDirectory, `fake-1.0.0-${hash.slice(0, 12)}`);
  const { provider } = await writeFakeCli(folder, script, node);
  await writeFile(join(folder, '.sallyport-complete'), hash);
  const { manifest } = provider;
  return verifyRelease({
    provider: {
      ...provider,
      manifest: {
        ...manifest,
        cli: { ...manifest.cli, package: name, lockfile, bin: options.bin ?? manifest.cli.bin },
        commands: options.commands ?? manifest.commands,
        logins: manifest.logins.filter(({ id }) => only === undefined || id === only).map(method),
        credentials: manifest.credentials
          .filter((item) => item.as === 'file' || options.keys === true)
          .map((item) => (item.as === 'file' ? { ...item, rotates } : item)),
      },
    },
    version: manifest.cli.version,
    fakeVendors: createFakeVendorModule([{ provider: 'fake', name: 'login', create: createVendor }]),
    clisDirectory,
    clock: systemClock,
    signal: AbortSignal.timeout(HANG_LIMIT_MS),
    onProgress: () => undefined,
    ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
  });
}

/** Signs everybody in, and has never refreshed a token. */
function createVendor() {
  const login = createFakeLogin();
  return {
    sites: login.sites,
    control: { setFaults: () => undefined, state: () => ({ families: [{ refreshes: 0, revokedBecause: null }] }) },
  };
}

function outcomes({ methods }: ReleaseReport): Record<string, Record<string, string>> {
  return Object.fromEntries(
    methods.map(({ method, steps }) => [
      method,
      Object.fromEntries(Object.entries(steps).map(([step, { outcome }]) => [step, outcome])),
    ]),
  );
}
