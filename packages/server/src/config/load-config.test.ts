import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { loadConfig } from './load-config.ts';

let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sallyport-config-')));
  await write(
    'tool.ts',
    `export const provider: { manifest: object } = { manifest: ${JSON.stringify(manifest('tool'))} };`,
  );
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the configuration', () => {
  it('has a default for everything but the providers', async () => {
    const config = await load(`{ providers: ['./tool.ts'] }`);
    expect(config).toMatchObject({
      driver: 'process',
      egress: 'direct',
      deployment: 'self-hosted',
      acceptedTerms: [],
      logins: { prefer: 'desktop' },
      hosts: { signIn: [], work: [] },
      idleMs: 300_000,
      port: 4000,
      host: '127.0.0.1',
      plugins: [],
    });
    expect(config.providers.map(({ manifest: { id } }) => id)).toEqual(['tool']);
  });

  it.each([
    [`'none'`, []],
    [`'public'`, ['*']],
    [`['*.example.com']`, ['*.example.com']],
  ])('opens to work %s', async (work, hosts) => {
    const config = await load(`{ providers: ['./tool.ts'], hosts: { work: ${work} } }`);
    expect(config.hosts.work).toEqual(hosts);
  });

  it('takes providers and plugins by package, path and file URL', async () => {
    await write('audit.mjs', `export const plugin = { name: 'audit', apply() {} };`);
    await write(
      'node_modules/other/index.mjs',
      `export const provider = { manifest: ${JSON.stringify(manifest('other'))} };`,
    );
    await write('node_modules/other/package.json', '{ "type": "module", "exports": { "default": "./index.mjs" } }');
    await write('third.mjs', `export const provider = { manifest: ${JSON.stringify(manifest('third'))} };`);
    const third = pathToFileURL(join(folder, 'third.mjs')).href;
    const config = await load(
      `{ providers: ['./tool.ts', 'other', '${third}'], plugins: ['./audit.mjs', { name: 'own', apply() {} }], enabledProviders: ['third', 'tool'] }`,
    );
    expect(config.providers.map(({ manifest: { id } }) => id)).toEqual(['tool', 'third']);
    expect(config.plugins.map(({ name }) => name)).toEqual(['audit', 'own']);
  });

  it.each([
    `{ kind: 'proxy', host: 'proxy.example.com', port: 8080 }`,
    `{ kind: 'proxy', protocol: 'socks5', host: '192.0.2.7', port: 1080, username: 'u', password: 'p' }`,
    `{ kind: 'decodo', host: 'isp.example.com', username: 'u', password: 'p' }`,
  ])('takes a proxy service as the egress: %s', async (egress) => {
    expect((await load(`{ providers: ['./tool.ts'], egress: ${egress} }`)).egress).toHaveProperty('kind');
  });

  it('refuses a proxy service with a setting missing, and repeats no password', async () => {
    const egress = `{ kind: 'decodo', host: 'isp.example.com', password: 'canary-password' }`;
    const refused = await load(`{ providers: ['./tool.ts'], egress: ${egress} }`).catch(String);
    expect(refused).toMatch(/egress must be 'direct', \{ kind: 'proxy', … \}, \{ kind: 'decodo', … \}/);
    expect(refused).not.toContain('canary');
  });

  it('takes functions that make the driver and the egress', async () => {
    const config = await load(`{ providers: ['./tool.ts'], driver: () => 1, egress: { name: 'e', open() {} } }`);
    expect(typeof config.driver).toBe('function');
    expect(config.egress).toMatchObject({ name: 'e' });
  });

  it.each([
    [`{}`, /providers/],
    [`{ providers: ['./tool.ts'], prot: 1 }`, /prot is not a setting/],
    [`{ providers: ['./tool.ts'], logins: { prefre: 'x' } }`, /prefre is not a setting of logins/],
    [`{ providers: ['./tool.ts'], practice: [] }`, /practice is not a setting \(it is called fakeVendors now\)/],
    [`{ providers: ['./tool.ts'], iHaveReadTheTermsOf: [] }`, /\(it is called acceptedTerms now\)/],
    [`{ providers: ['./tool.ts'], port: 70000 }`, /port is wrong/],
    [`{ providers: ['./tool.ts'], publicUrl: 'http://connect.example.com' }`, /publicUrl must be an https address/],
    [
      `{ providers: ['./tool.ts'], allowedOrigins: ['https://a.example/x'] }`,
      /allowedOrigins.0 must be an https origin/,
    ],
    [`{ providers: ['./tool.ts'], trustProxy: true }`, /trustProxy must be a list of addresses/],
    [`{ providers: ['./tool.ts'], auth: { signIn: [{ kind: 'oidc', issuer: 'http://a.example' }] } }`, /auth.signIn.0/],
    [`{ providers: ['./tool.ts'], driver: 'firecraker' }`, /driver must be 'process'/],
    [`{ providers: ['./tool.ts'], hosts: { work: 'all' } }`, /hosts.work must be 'none', 'public', or a list/],
    [`{ providers: ['./tool.ts'], hosts: { signIn: ['https://x.example'] } }`, /hosts.signIn.0 must be a host name/],
    [`{ providers: ['./tool.ts'], plugins: [{ name: 'x' }] }`, /plugins.0 must be/],
    [`{ providers: ['./missing.ts'] }`, /missing.ts, named in providers.0 of .*cannot be loaded/],
    [`{ providers: ['@nobody/has-this'] }`, /@nobody\/has-this, named in providers.0/],
    [`{ providers: ['./sallyport.config.ts'] }`, /exports no `provider`/],
    [`{ providers: ['./tool.ts'], enabledProviders: ['tol'] }`, /names the provider tol in enabledProviders/],
    [`{ providers: ['./tool.ts'], acceptedTerms: ['tol'] }`, /names the provider tol in acceptedTerms/],
  ])('is refused with the place and the fix: %s', async (source, message) => {
    await expect(load(source)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('is refused when it is missing, broken, or exports nothing', async () => {
    await expect(loadConfig(join(folder, 'none.ts'))).rejects.toThrow(/There is no configuration file .*none.ts/);
    await write('broken.ts', 'export default {');
    await expect(loadConfig(join(folder, 'broken.ts'))).rejects.toThrow(/broken.ts cannot be loaded/);
    await write('empty.ts', 'export const x = 1;');
    await expect(loadConfig(join(folder, 'empty.ts'))).rejects.toThrow(/exports no default/);
  });
});

async function load(source: string) {
  await write('sallyport.config.ts', `export default ${source};`);
  return loadConfig(join(folder, 'sallyport.config.ts'));
}

async function write(name: string, content: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), content);
}

function manifest(id: string) {
  return {
    spec: 1,
    id,
    title: id,
    terms: { url: 'https://example.com/terms', reviewed: '2026-01-01', deployments: ['self-hosted'] },
    cli: {
      package: id,
      version: '1.0.0',
      lockfile: '{"lockfileVersion":3,"packages":{}}',
      bin: { 'linux-x64': 'node_modules/.bin/tool' },
    },
    commands: {},
    needs: { memoryMb: 128 },
    logins: [
      {
        id: 'paste',
        title: 'Paste a code',
        kind: 'paste-code',
        freshHome: true,
        drive: {
          kind: 'terminal',
          argv: ['login'],
          steps: [
            {
              id: 'code',
              when: { text: 'Code:' },
              do: { kind: 'ask', prompt: { id: 'code', label: 'Code', kind: 'code', secret: true } },
            },
          ],
        },
        success: [{ text: 'done' }],
        timeoutMs: 60_000,
      },
    ],
    credentials: [
      {
        as: 'file',
        id: 'auth',
        role: 'secret',
        format: 'json',
        rotates: true,
        require: ['/token'],
        write: 'replace',
        paths: { browser: '~/.tool/auth.json', cli: '~/.tool/auth.json' },
      },
    ],
    prompt: {
      drive: 'lines',
      argv: ['run'],
      input: 'stdin',
      tools: { 'read-only': [], workspace: [], full: [] },
      reloginNeeded: [],
    },
    egress: { cli: [], signIn: [] },
  };
}
