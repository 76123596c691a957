import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { createFakeProvider } from '../fake-cli/provider.ts';
import { installCli } from './install-cli.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-install-cli-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const paths = ['node_modules/fake-cli/new/fake', 'node_modules/fake-cli/old/fake'];

/** Installs the fake CLI with an npm that unpacks one file. */
async function installWith(unpacked: string): Promise<string> {
  const npm = join(folder, 'programs', 'npm');
  await mkdir(dirname(npm));
  await writeFile(npm, `#!/bin/sh\nmkdir -p ${dirname(unpacked)}\necho > ${unpacked}\n`);
  await chmod(npm, 0o755);
  vi.stubEnv('PATH', `${dirname(npm)}${delimiter}${process.env['PATH'] ?? ''}`);
  const { manifest } = createFakeProvider();
  const cli = { ...manifest.cli, bin: { [`${process.platform}-${process.arch}`]: paths } };
  return installCli({ id: manifest.id, cli }, { cache: join(folder, 'cache'), signal: new AbortController().signal });
}

it('returns the first of several executables that the release has', async () => {
  const [, old = ''] = paths;
  const executable = await installWith(old);
  expect(executable).toBe(join(folder, 'cache', 'fake-1.0.0', old));
  // The archive had it without an exec bit.
  expect((await stat(executable)).mode & 0o777).toBe(0o755);
});

it('names every executable of the manifest where the release has none of them', async () => {
  await expect(installWith('node_modules/fake-cli/elsewhere')).rejects.toMatchObject({
    code: 'PROVIDER_CLI_MISSING',
    message: expect.stringMatching(new RegExp(`has no ${paths.join(' and no ')}\\.$`)),
  });
});
