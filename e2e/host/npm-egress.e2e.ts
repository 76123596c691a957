import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { manifestSchema } from '@sallyport/core/provider';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createCliInstaller } from '../../packages/machines/src/cli/install.ts';
import type { PinnedCli } from '../../packages/machines/src/cli/lockfile.ts';
import { findNpm } from '../../packages/machines/src/cli/npm.ts';
import { npmSandbox } from '../../packages/machines/src/cli/npm-sandbox.ts';
import { listReleases, pinRelease } from '../../packages/machines/src/cli/releases.ts';

const sandbox = await npmSandbox();
const hasNpm = (await findNpm()) !== undefined;
const bin = 'node_modules/@fake/cli/bin/fake';
const quiet = { signal: new AbortController().signal, onProgress: () => {} };
const cleaners: (() => unknown)[] = [];
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-npm-egress-'));
});
afterEach(async () => {
  for (const clean of cleaners.splice(0).toReversed()) await clean();
  rmSync(root, { recursive: true, force: true });
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  cleaners.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return authorityOf(server);
}

function authorityOf(server: Server): string {
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** A service of this host that is not the registry, and that notes each request. */
async function startService(): Promise<{ readonly authority: string; readonly requests: string[] }> {
  const requests: string[] = [];
  const authority = await listen((request, response) => {
    requests.push(request.url ?? '');
    response.end('canary');
  });
  return { authority, requests };
}

/** An HTTP proxy that asks for a password and leads every tunnel to one server. */
async function startProxy(target: string): Promise<{ readonly authority: string; readonly tunnels: string[] }> {
  const tunnels: string[] = [];
  const [host = '', port = ''] = target.split(':');
  const server = createServer().listen(0, '127.0.0.1');
  server.on('connect', (request, socket) => {
    tunnels.push(`${request.headers['proxy-authorization']} ${request.url}`);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const upstream = connect(Number(port), host);
    socket.pipe(upstream).pipe(socket);
    for (const end of [socket, upstream]) end.on('error', () => [socket, upstream].forEach((each) => each.destroy()));
  });
  cleaners.push(() => server.close());
  await once(server, 'listening');
  return { authority: authorityOf(server), tunnels };
}

interface Registry {
  readonly authority: string;
  readonly cli: PinnedCli;
}

/** A registry with one package. `archive` answers for its archive. */
async function startRegistry({
  tarball,
  redirect,
}: { readonly tarball?: string; readonly redirect?: string } = {}): Promise<Registry> {
  mkdirSync(join(root, 'package', 'bin'), { recursive: true });
  writeFileSync(join(root, 'package', 'package.json'), JSON.stringify({ name: '@fake/cli', version: '1.2.3' }));
  writeFileSync(join(root, 'package', 'bin', 'fake'), '#!/bin/sh\n', { mode: 0o755 });
  await execa('tar', ['-czf', 'cli.tgz', 'package'], { cwd: root });
  const archive = readFileSync(join(root, 'cli.tgz'));
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  const authority = await listen((request, response) => {
    if (request.url?.endsWith('.tgz')) {
      if (redirect === undefined) response.end(archive);
      else response.writeHead(302, { location: redirect }).end();
      return;
    }
    const dist = { integrity, tarball: tarball ?? `http://${request.headers.host}/@fake/cli/-/cli-1.2.3.tgz` };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify({
        name: '@fake/cli',
        'dist-tags': { latest: '1.2.3' },
        time: { '1.2.3': '2026-02-01T00:00:00.000Z' },
        versions: { '1.2.3': { name: '@fake/cli', version: '1.2.3', dist } },
      }),
    );
  });
  const lockfile = {
    lockfileVersion: 3,
    packages: {
      '': { dependencies: { '@fake/cli': '1.2.3' } },
      'node_modules/@fake/cli': { version: '1.2.3', integrity },
    },
  };
  // What the schema allows for a lockfile is tested elsewhere.
  const cli = manifestSchema.shape.cli.parse({
    package: '@fake/cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: { [`${process.platform}-${process.arch}`]: bin },
  });
  return { authority, cli: { ...cli, lockfile: JSON.stringify(lockfile) } };
}

/** The operator's .npmrc. */
function configure(...lines: readonly string[]): void {
  const path = join(root, 'npmrc');
  writeFileSync(path, ['fetch-retries=0', ...lines, ''].join('\n'));
  setVariables({ npm_config_userconfig: path });
}

function setVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    cleaners.push(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

async function failureOf(installing: Promise<unknown>): Promise<string> {
  const error: unknown = await installing.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return SallyportError.isInstance(error) ? `${error.message}\n${error.hint}` : String(error);
}

const install = (cli: PinnedCli, onProgress: (message: string) => void = () => {}, npm?: string): Promise<string> =>
  createCliInstaller({ directory: join(root, 'clis'), ...(npm !== undefined && { npm }) }).ensure(cli, 'fake', {
    ...quiet,
    onProgress,
  });

describe.skipIf(sandbox.bubblewrap === undefined || !hasNpm)('the egress of npm', () => {
  it('leads to a registry on loopback, since the operator configured it', async () => {
    const { authority, cli } = await startRegistry();
    configure(`registry=http://${authority}/`);
    expect(readFileSync(join(await install(cli), bin), 'utf8')).toBe('#!/bin/sh\n');
    expect(await listReleases(cli, quiet)).toEqual([{ version: '1.2.3', publishedAt: Date.UTC(2026, 1, 1) }]);
    const again = await pinRelease({ ...cli, version: '0.0.1' }, '1.2.3', quiet);
    expect(again.lockfile).toContain('"node_modules/@fake/cli"');
  });

  it("leads to the registry of a scope, and ignores the operator's exemptions from a proxy inside", async () => {
    const { authority, cli } = await startRegistry();
    configure(`@fake:registry=http://${authority}/`, 'noproxy=127.0.0.1');
    setVariables({ NO_PROXY: '127.0.0.1', HTTPS_PROXY: 'http://127.0.0.1:1' });
    await install(cli);
  });

  it("goes through the operator's proxy with its password", async () => {
    const { authority, cli } = await startRegistry();
    const proxy = await startProxy(authority);
    configure('registry=http://registry.invalid/', `proxy=http://user:p%40ss@${proxy.authority}/`);
    await install(cli);
    const login = Buffer.from('user:p@ss').toString('base64');
    expect([...new Set(proxy.tunnels)]).toEqual([`Basic ${login} registry.invalid:80`]);
  });

  it('refuses an archive on another port of this host, and names it', async () => {
    const service = await startService();
    const { authority, cli } = await startRegistry({ tarball: `http://${service.authority}/cli-1.2.3.tgz` });
    configure(`registry=http://${authority}/`);
    const progress: string[] = [];
    const failure = await failureOf(install(cli, (message) => void progress.push(message)));
    expect(service.requests).toEqual([]);
    expect(failure).toContain(`npm was refused "${service.authority}", which is not a registry`);
    expect(progress.join('\n')).toContain(service.authority);
  });

  it.each(['http', 'https'])(
    'refuses a redirect to another port of this host over %s, and names it',
    async (scheme) => {
      const service = await startService();
      const { authority, cli } = await startRegistry({ redirect: `${scheme}://${service.authority}/latest/meta-data` });
      configure(`registry=http://${authority}/`);
      expect(await failureOf(install(cli))).toContain(`npm was refused "${service.authority}"`);
      expect(service.requests).toEqual([]);
    },
  );

  it('says why a registry cannot be reached', async () => {
    const { cli } = await startRegistry();
    configure('registry=http://127.0.0.1:1/');
    expect(await failureOf(install(cli))).toContain('127.0.0.1 does not answer on port 1 (ECONNREFUSED)');
  });
});

describe.skipIf(sandbox.bubblewrap === undefined)('a program in the sandbox of npm', () => {
  it('reaches no service of this host, past the proxy or through it', async () => {
    const service = await startService();
    const { authority, cli } = await startRegistry();
    configure(`registry=http://${authority}/`);
    const npm = join(root, 'npm');
    // Asks the service for itself, then the proxy it was told: with the service's name, with an address, and for a tunnel.
    writeFileSync(
      npm,
      `#!${process.execPath}
      const { request } = require('node:http');
      const words = process.argv.slice(2);
      if (words[0] === 'config') { console.log(JSON.stringify({ registry: 'http://${authority}/' })); process.exit(); }
      if (words[0] === 'run') process.exit();
      const { port } = new URL(words.find((word) => word.startsWith('--proxy=')).slice('--proxy='.length));
      const ask = (options) => new Promise((resolve) => {
        const asked = request({ agent: false, ...options });
        for (const event of ['response', 'connect']) asked.once(event, (answer, socket) => { answer.resume(); socket?.destroy(); resolve(answer.statusCode); });
        asked.once('error', (error) => resolve(error.code));
        asked.end();
      });
      const proxy = { host: '127.0.0.1', port };
      const [name, servicePort] = '${service.authority}'.split(':');
      Promise.all([
        ask({ host: name, port: servicePort }),
        ask({ ...proxy, path: 'http://${service.authority}/' }),
        ask({ ...proxy, path: 'http://localhost:' + servicePort + '/' }),
        ask({ ...proxy, path: 'http://169.254.169.254/latest' }),
        ask({ ...proxy, method: 'CONNECT', path: '${service.authority}' }),
        ask({ ...proxy, path: 'http://${authority}/@fake%2fcli' }),
      ]).then((got) => { console.error(JSON.stringify(got)); process.exit(1); });`,
    );
    chmodSync(npm, 0o755);
    const failure = await failureOf(install(cli, undefined, npm));
    expect(failure).toContain('["ECONNREFUSED",403,403,403,403,200]');
    expect(failure).toContain('npm was refused "169.254.169.254:80"');
    expect(service.requests).toEqual([]);
  });
});
