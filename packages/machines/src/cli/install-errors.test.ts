import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { manifestSchema } from '@sallyport/core/provider';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliInstaller } from './install.ts';
import { pinRelease } from './releases.ts';

/** The real npm against a registry that has one version of one package, whose archive is not what it should be. */

let root: string;
let registry: Server;
let origin: string;
let answer: { readonly status: number; readonly body: string } | undefined;
const archive = 'not an archive';
const signal = new AbortController().signal;
const sandbox = { reason: 'the registry listens on the loopback address of this host' };

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sp-npm-errors-'));
  answer = undefined;
  registry = createServer((request, response) => {
    if (answer) response.writeHead(answer.status).end(answer.body);
    else if (request.url?.endsWith('.tgz')) response.end(archive);
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(packageDocument(origin)));
  });
  registry.listen(0, '127.0.0.1');
  await once(registry, 'listening');
  const address = registry.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  process.env['npm_config_registry'] = `${origin}/`;
  process.env['npm_config_userconfig'] = join(root, 'no-npmrc');
});
afterEach(() => {
  delete process.env['npm_config_registry'];
  delete process.env['npm_config_userconfig'];
  registry.closeAllConnections();
  registry.close();
  rmSync(root, { recursive: true, force: true });
});

const hashOf = (text: string): string => `sha512-${createHash('sha512').update(text).digest('base64')}`;

function packageDocument(from: string): object {
  const dist = { tarball: `${from}/fake-cli/-/fake-cli-1.2.3.tgz`, integrity: hashOf(archive) };
  return {
    name: 'fake-cli',
    'dist-tags': { latest: '1.2.3' },
    versions: { '1.2.3': { name: 'fake-cli', version: '1.2.3', dist } },
  };
}

function pinned(packages: object) {
  const cli = manifestSchema.shape.cli.parse({
    package: 'fake-cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: { [`${process.platform}-${process.arch}`]: 'node_modules/fake-cli/bin/fake' },
  });
  const top = { dependencies: { 'fake-cli': '1.2.3' } };
  return { ...cli, lockfile: JSON.stringify({ lockfileVersion: 3, packages: { '': top, ...packages } }) };
}

const locked = (changes: object = {}) => ({
  'node_modules/fake-cli': { version: '1.2.3', integrity: hashOf('the archive that was pinned'), ...changes },
});

/** The hint of the installer's error. */
async function failureOf(packages: object): Promise<string> {
  const installer = createCliInstaller({ directory: join(root, 'clis'), sandbox });
  const error: unknown = await installer
    .ensure(pinned(packages), 'fake', { signal, onProgress: () => {} })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'PROVIDER_CLI_MISSING' });
  return SallyportError.isInstance(error) ? error.hint : '';
}

describe('a CLI that npm cannot install', () => {
  it('is reported with what the lockfile does not list, not with the usage text of npm', async () => {
    const hint = await failureOf(locked({ dependencies: { 'fake-cli-core': 'npm:fake-cli@1.2.3' } }));
    expect(hint).toContain('Missing: fake-cli-core@1.2.3 from lock file');
    expect(hint).not.toMatch(/Usage|Options|--dry-run|npm help|logs-max/);
  });

  it('is reported with the hash that does not match', async () => {
    const hint = await failureOf(locked());
    expect(hint).toMatch(/^code EINTEGRITY\n.*wanted sha512-\S+ but got sha512-/);
  });

  it('is reported with the package that the registry does not have', async () => {
    answer = { status: 404, body: '{}' };
    const hint = await failureOf(locked());
    expect(hint).toContain(`404 Not Found - GET ${origin}/fake-cli`);
  });

  it('is reported with the words of a registry that refuses', async () => {
    answer = { status: 403, body: '{"error":"blocked by policy"}' };
    const hint = await failureOf(locked());
    expect(hint).toContain('blocked by policy');
  });

  it('is reported without the command line of the sandbox', async () => {
    const hint = await failureOf(locked());
    expect(hint).not.toMatch(/Command failed|--ignore-scripts/);
  });
});

describe('a release that npm cannot pin', () => {
  it('is reported with the version that does not exist', async () => {
    await expect(pinRelease(pinned(locked()), '9.9.9', { signal, sandbox })).rejects.toMatchObject({
      hint: expect.stringMatching(/^code ETARGET\n.*No matching version found for fake-cli@9\.9\.9\./),
    });
  });
});
