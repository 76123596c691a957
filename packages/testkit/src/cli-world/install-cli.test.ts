import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { inspect } from 'node:util';

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
const installWith = (unpacked: string): Promise<string> =>
  installBy(`mkdir -p ${dirname(unpacked)}\necho > ${unpacked}`);

async function installBy(script: string): Promise<string> {
  const npm = join(folder, 'programs', 'npm');
  await mkdir(dirname(npm));
  await writeFile(npm, `#!/bin/sh\n${script}\n`);
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

it('says why npm failed, without its usage text and where its log is', async () => {
  const printed = [
    'code EUSAGE',
    '',
    'Missing: fake-cli-linux-x64@1.0.0 from lock file',
    '',
    'Clean install a project',
    '',
    'Usage:',
    'npm ci',
    'Run "npm help ci" for more info',
    'A complete log of this run can be found in: /root/.npm/_logs/x-debug-0.log',
  ];
  const error: unknown = await installBy(
    `printf 'npm error %s\\n' ${printed.map((line) => `'${line}'`).join(' ')} >&2\nexit 1`,
  ).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'PROVIDER_CLI_MISSING',
    message: 'npm could not install fake-cli 1.0.0.',
    hint: 'code EUSAGE\nMissing: fake-cli-linux-x64@1.0.0 from lock file',
  });
  expect(inspect(error)).not.toMatch(/Usage|_logs/);
});

it('says how npm ended where it gave no reason', async () => {
  await expect(installBy('echo out of memory >&2; exit 137')).rejects.toMatchObject({
    hint: 'npm ended with exit code 137.\nout of memory',
  });
});
