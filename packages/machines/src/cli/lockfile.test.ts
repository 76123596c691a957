import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { checkLockfile } from './lockfile.ts';
import type { PinnedCli } from './lockfile.ts';
import { readNpmSettings } from './npm-settings.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sp-lockfile-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const settings = {
  registry: 'https://registry.company.test/npm/',
  '@acme:registry': 'https://packages.acme.test/npm/',
};

/** Reads npm's settings where npm lists these. */
const settingsOf = () =>
  readNpmSettings({
    directory,
    env: {},
    npm: async ([word]) => (word === 'config' ? JSON.stringify(settings) : ''),
  });

/** A CLI whose lockfile says where these packages come from: path → entry. */
function pinned(packages: Readonly<Record<string, { readonly name?: string; readonly resolved: string }>>): PinnedCli {
  const locked = { version: '1.2.3', integrity: `sha512-${'A'.repeat(86)}==` };
  const entries = Object.entries(packages).map(([path, entry]) => [path, { ...locked, ...entry }] as const);
  return {
    package: 'fake-cli',
    version: '1.2.3',
    lockfile: JSON.stringify({
      lockfileVersion: 3,
      packages: { 'node_modules/fake-cli': locked, ...Object.fromEntries(entries) },
    }),
    bin: {},
    env: {},
    settings: [],
    hiddenInWork: [],
  };
}

const check = (path: string, resolved: string, name?: string) =>
  checkLockfile(pinned({ [path]: { resolved, ...(name !== undefined && { name }) } }), 'fake', settingsOf);

it.each([
  ['node_modules/a', 'https://registry.company.test/npm/a/-/a-1.2.3.tgz'],
  ['node_modules/@other/b', 'https://registry.company.test/npm/@other/b/-/b-1.2.3.tgz'],
  ['node_modules/@acme/b', 'https://packages.acme.test/npm/@acme/b/-/b-1.2.3.tgz'],
  ['node_modules/a/node_modules/@acme/b', 'https://packages.acme.test/npm/@acme/b/-/b-1.2.3.tgz'],
  ['node_modules/alias', 'https://packages.acme.test/npm/@acme/b/-/b-1.2.3.tgz', '@acme/b'],
])('takes %s from %s', async (path, resolved, name?: string) => {
  expect((await check(path, resolved, name)).packageCount).toBe(2);
});

it.each([
  ['node_modules/a', 'https://packages.acme.test', 'https://registry.company.test'],
  ['node_modules/@other/b', 'https://packages.acme.test', 'https://registry.company.test'],
  // npm would not ask the default registry for it either.
  ['node_modules/@acme/b', 'https://registry.company.test', 'https://packages.acme.test'],
  ['node_modules/@acme/b', 'https://evil.test', 'https://packages.acme.test'],
])('refuses %s from %s, and names its registry %s', async (path, origin, registry) => {
  await expect(check(path, `${origin}/x/-/x-1.2.3.tgz`)).rejects.toMatchObject({
    code: 'PROVIDER_MANIFEST_INVALID',
    message: `cli.lockfile of fake entry "${path}" is resolved to ${origin}/x/-/x-1.2.3.tgz, outside the registry ${registry}.`,
  });
});

it('does not ask npm where no entry says where its archive is', async () => {
  const asked = (): never => {
    throw new Error('npm was asked.');
  };
  expect((await checkLockfile(pinned({}), 'fake', asked)).packageCount).toBe(1);
});
