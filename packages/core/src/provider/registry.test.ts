import { describe, expect, it } from 'vitest';

import { SallyportError } from '../base/errors.ts';
import { cliPrograms } from './cli-programs.ts';
import { createRegistry, manifestHash, parseManifest } from './registry.ts';

const valid = {
  spec: 1,
  id: 'acme',
  aliases: ['acme_cli'],
  title: 'Acme',
  terms: { url: 'https://acme.example/terms', reviewed: '2026-11-01', deployments: ['self-hosted'] },
  cli: {
    package: '@acme/cli',
    version: '1.2.3',
    lockfile: '{"lockfileVersion":3,"packages":{}}',
    bin: { 'linux-x64': 'node_modules/@acme/cli/bin/acme' },
    env: { ACME_UPDATE: 'off' },
  },
  commands: {},
  needs: { memoryMb: 512 },
  logins: [
    {
      id: 'browser',
      title: 'Browser',
      kind: 'loopback-callback',
      drive: { kind: 'terminal', argv: ['login'] },
      url: { sources: ['text'], hosts: ['auth.acme.example'], pathPrefixes: ['/authorize'] },
      callback: { ports: [], path: '/callback' },
      freshHome: true,
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
      paths: { browser: '~/.acme/auth.json', cli: '~/.acme/auth.json' },
    },
  ],
  prompt: {
    drive: 'lines',
    argv: ['run', { slot: 'tools' }],
    input: 'stdin',
    tools: { 'read-only': [], workspace: [], full: [] },
    reloginNeeded: [],
  },
  egress: { cli: ['api.acme.example'], signIn: ['*.acme.example'] },
};

/** The valid manifest with one value changed, by JSON pointer. */
function changed(pointer: string, value: unknown): unknown {
  const copy: object = structuredClone(valid);
  const parts = pointer.split('/').slice(1);
  const last = parts.pop() ?? '';
  let target = copy;
  for (const part of parts) {
    const inner: unknown = Reflect.get(target, part);
    if (typeof inner !== 'object' || inner === null) throw new Error(`${pointer} leads nowhere`);
    target = inner;
  }
  Object.defineProperty(target, last, { value, enumerable: true, configurable: true, writable: true });
  return copy;
}

function problemOf(input: unknown): string {
  try {
    parseManifest(input);
  } catch (error) {
    if (SallyportError.isInstance(error) && error.code === 'PROVIDER_MANIFEST_INVALID') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a manifest', () => {
  it('is accepted, and gets its defaults', () => {
    const manifest = parseManifest(valid);
    expect(manifest.logins[0]?.drive).toMatchObject({ columns: 2000, rows: 50, steps: [] });
    expect(manifest.credentials[0]).toMatchObject({ mode: 0o600 });
  });

  it.each(['1.2.3', '1.2.3-beta.1', '0.0.0-nightly.20261101', '1.2.3+build.5', '1.2.3-rc.1+sha.5114f85'])(
    'may pin the version %s',
    (version) => {
      expect(problemOf(changed('/cli/version', version))).toBe('accepted');
    },
  );

  it.each(['^1.2.3', '1.2', 'latest', '1.2.3 ', '01.2.3', '1.2.3-', '1.2.3-a/../b', '1.2.3-a.tgz', '1.2.3 || 2.0.0'])(
    'may not pin the version %j',
    (version) => {
      expect(problemOf(changed('/cli/version', version))).toContain('/cli/version must be an exact version');
    },
  );

  it('may list up to five programs for a platform, each below node_modules', () => {
    const paths = (count: number): string[] =>
      Array.from({ length: count }, (_item, index) => `node_modules/a/${index}`);
    const withPrograms = (programs: unknown): string => problemOf(changed('/cli/bin/linux-x64', programs));
    expect([paths(1), paths(5)].map(withPrograms)).toEqual(['accepted', 'accepted']);
    for (const programs of [[], paths(6), ['/bin/sh'], [...paths(1), 'node_modules/../x'], [paths(1)], 1]) {
      expect(withPrograms(programs)).toContain('/cli/bin/linux-x64');
    }
    const { cli } = parseManifest(changed('/cli/bin/linux-x64', paths(2)));
    expect(['linux-x64', 'linux-arm64', 'toString'].map((platform) => cliPrograms(cli, platform))).toEqual([
      paths(2),
      [],
      [],
    ]);
    expect(cliPrograms(parseManifest(valid).cli, 'linux-x64')).toEqual([valid.cli.bin['linux-x64']]);
  });

  it('may take keys only', () => {
    const manualEntry = { title: 'Use a key', label: 'Key', shape: { pattern: '^ak-' }, example: 'ak-…' };
    const key = { as: 'environment', id: 'api_key', name: 'ACME_API_KEY', from: 'user', manualEntry };
    expect(parseManifest({ ...valid, logins: [], credentials: [key] }).logins).toEqual([]);
  });

  it('may name the page of a device code itself, on one of the hosts it lists', () => {
    const withPage = (page: string): string => {
      const url = { sources: [], page, hosts: ['auth.acme.example'], pathPrefixes: ['/device'] };
      const { callback: _, ...login } = { ...valid.logins[0], kind: 'device-code', url, userCode: { pattern: '(.+)' } };
      return problemOf({ ...valid, logins: [login] });
    };
    expect(withPage('https://auth.acme.example/device')).toBe('accepted');
    expect(withPage('https://evil.example/device')).toContain('has a page that is on none of its hosts');
  });

  const path = '/credentials/0/paths/cli';
  it.each([
    '/etc/cron.d/x',
    '/root/.acme',
    '../../etc/passwd',
    '~/../x',
    '~/a/../../x',
    '~/./x',
    '~/a/./x',
    '~root/x',
    '~',
    '~/',
    '~/a/',
    '~//a',
    '~/a//b',
    'a/b',
    '',
    '~\\a',
    '~/a b',
    '~/a\nrm x',
    '~/a\0b',
    '~/a"b',
    "~/a'b",
    '~/a;b',
    '~/a$b',
    '~/a`b',
    '~/ä',
    '~/a\u202eb',
    '~/%2e%2e/x',
    '~/.bashrc',
    '~/.bash_profile',
    '~/.profile',
    '~/.zshrc',
    '~/.ssh/authorized_keys',
    '~/.gnupg/x',
    '~/.config/autostart/x.desktop',
    '~/.config/systemd/user/x.service',
    '~/.local/bin/x',
    '~/bin/x',
    '~/.xinitrc',
    '~/.pam_environment',
    `~/${'a'.repeat(300)}`,
  ])('may not place a credential at %j', (value) => {
    expect(problemOf(changed(path, value))).toContain(`${path} `);
  });

  it('may say where the computer of a user keeps a credential, and with which command it got there', () => {
    const keychain = { service: 'Acme-credentials', account: 'ada@example.org' };
    for (const macos of ['~/Library/acme.json', { keychain }, { keychain: { service: 'Acme' } }]) {
      expect(problemOf(changed('/credentials/0/paths/macos', macos))).toBe('accepted');
    }
    expect(problemOf(changed('/credentials/0/paths/linux', '~/.config/acme.json'))).toBe('accepted');
    expect(problemOf(changed('/cli/loginCommand', 'acme auth login'))).toBe('accepted');
  });

  it.each([
    ['/credentials/0/paths/macos', '~/.ssh/id_ed25519'],
    ['/credentials/0/paths/macos', '/etc/passwd'],
    ['/credentials/0/paths/macos', { keychain: {} }],
    ['/credentials/0/paths/macos', { keychain: { service: '-g' } }],
    ['/credentials/0/paths/macos', { keychain: { service: 'a\nb' } }],
    ['/credentials/0/paths/macos', { keychain: { service: 'a'.repeat(101) } }],
    ['/credentials/0/paths/macos', { keychain: { service: 'Acme', account: '' } }],
    ['/credentials/0/paths/macos', { keychain: { service: 'Acme', file: '/x' } }],
    ['/credentials/0/paths/linux', { keychain: { service: 'Acme' } }],
    ['/credentials/0/paths/linux', '~/../x'],
    ['/cli/loginCommand', 'acme\nlogin'],
    ['/cli/loginCommand', 'acme; rm'],
  ])('may not set %s to %j', (place, value) => {
    expect(problemOf(changed(place, value))).toContain(place);
  });

  it.each([
    'PATH',
    'HOME',
    'LD_PRELOAD',
    'DYLD_INSERT_LIBRARIES',
    'NODE_OPTIONS',
    'BASH_ENV',
    'ENV',
    'IFS',
    'PYTHONPATH',
    'PERL5LIB',
    'HTTPS_PROXY',
    'ALL_PROXY',
    'SSL_CERT_FILE',
    'BROWSER',
    'lower',
    'A=B',
    'A B',
    '1A',
    '',
  ])('may not set the variable %j', (name) => {
    expect(problemOf(changed('/cli/env', { [name]: 'x' }))).toContain('/cli/env/');
    expect(problemOf(changed('/logins/0/drive/env', { [name]: 'x' }))).toContain('/logins/0/drive/env/');
  });

  it.each([
    '127.0.0.1',
    '[::1]',
    'localhost',
    'UPPER.example',
    'a..example',
    'a.example.',
    'a.example:443',
    'https://a.example',
    '*',
    '*.',
    '*.example.*',
    'ä.example',
    'a.example/x',
    '-a.example',
    '10.0.0.1',
    '0x7f.1',
    'a.1',
  ])('may not open the host %j', (host) => {
    expect(problemOf(changed('/egress/cli', [host]))).toContain('/egress/cli/0 ');
  });

  it('may not take a whole domain for its sign-in page', () => {
    expect(problemOf(changed('/logins/0/url/hosts', ['*.acme.example']))).toContain(
      '/logins/0/url/hosts/0 must be an exact host',
    );
  });

  it.each(['(?=x)', '(?<!x)y', '(a)\\1', '(', '[', 'a**', '(?<n>a)\\k<n>'])('may not use the pattern %j', (pattern) => {
    expect(problemOf(changed('/logins/0/success', [{ pattern }]))).toMatch(
      /\/logins\/0\/success\/0\/pattern is not an RE2 pattern/,
    );
  });

  it.each(['__proto__', 'constructor', 'prototype'])('may not carry the key %s, at any depth', (key) => {
    const hostile: unknown = JSON.parse(`{"${key}": {"polluted": true}}`);
    expect(problemOf(changed('/cli/env', hostile))).toContain(
      `/cli/env/${key} is a name that JavaScript objects reserve`,
    );
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it.each([
    ['/id', 'Acme!', '/id must be lower-case'],
    ['/spec', 2, '/spec '],
    ['/unknown', true, 'unknown'],
    ['/cli/version', '^1.2.3', '/cli/version must be an exact version'],
    ['/cli/package', '../evil', '/cli/package '],
    ['/cli/bin', { 'linux-x64': 'node_modules/../../bin/sh' }, '/cli/bin/linux-x64 '],
    ['/cli/bin', { 'linux-x64': '/bin/sh' }, '/cli/bin/linux-x64 '],
    ['/terms/url', 'javascript:alert(1)', '/terms/url '],
    ['/logins', [], '/logins is empty, and no credential has a manualEntry'],
    ['/logins/0/url/sources', [], '/logins/0/url has no source of a link, and no page either'],
    ['/logins/0/url/page', 'https://auth.acme.example/device', '/logins/0/url has a page, which only a device-code'],
    ['/logins', [valid.logins[0], valid.logins[0]], '/logins has two methods with the same id'],
    ['/logins/0/callback', undefined, '/logins/0/callback is needed by a loopback-callback login'],
    ['/logins/0/kind', 'device-code', '/logins/0/userCode is needed by a device-code login'],
    ['/logins/0/kind', 'paste-code', '/logins/0/drive needs a step that asks for the code'],
    ['/logins/0/timeoutMs', 1, '/logins/0/timeoutMs '],
    ['/logins/0/drive/argv', ['a\0b'], '/logins/0/drive/argv/0 '],
    ['/credentials/0/require', ['token'], '/credentials/0/require/0 must be a JSON pointer'],
    ['/credentials/0/mode', 0o644, '/credentials/0/mode '],
  ])('with %s wrong is refused with the place named', (pointer, value, message) => {
    expect(problemOf(changed(pointer, value))).toContain(message);
  });

  const brackets = '['.repeat(20_000) + ']'.repeat(20_000);
  const loop: Record<string, unknown> = { ...valid };
  loop['title'] = loop;
  it.each([
    ['nested beyond reason', JSON.parse(brackets)],
    ['nested beyond reason below a key', { ...valid, needs: JSON.parse(`{"a":[0,{"b":${brackets}}]}`) }],
    ['part of itself', loop],
  ])('cannot be %s', (_what, input: unknown) => {
    expect(() => parseManifest(input)).toThrow(expect.objectContaining({ code: 'PROVIDER_MANIFEST_INVALID' }));
    expect(() => parseManifest(input)).toThrow('has more than 500 levels');
  });

  const long = 'a'.repeat(70_000);
  it.each([
    ['a key beyond reason', { ...valid, [long]: 1 }],
    ['a reserved key below a key beyond reason', { ...valid, needs: JSON.parse(`{"${long}":{"__proto__":1}}`) }],
    ['an id beyond reason', { ...valid, id: long }],
    ['many problems', { ...valid, aliases: Array.from({ length: 3000 }, () => 7) }],
    [
      'keys that a terminal obeys',
      { ...valid, cli: { ...valid.cli, env: { '\u{1b}]8;;https://evil.example\u{7}': '' } } },
    ],
    ['values that are read backwards', { ...valid, id: '\u{202e}\u{7f}' }],
  ])('is refused in few and harmless words: %s', (_what, input) => {
    const problem = { code: '', message: '', details: {} };
    try {
      parseManifest(input);
    } catch (error) {
      Object.assign(problem, Object(error), { message: Object(error).message });
    }
    expect(problem.code).toBe('PROVIDER_MANIFEST_INVALID');
    expect(problem.message.length + JSON.stringify(problem.details).length).toBeLessThan(60_000);
    expect(problem.message).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it.each([null, 'text', 7, [], {}])('cannot be %j', (input) => {
    expect(problemOf(input)).toContain('is not valid');
  });

  it('has a hash that does not depend on the order of its keys, and changes with any value', () => {
    const hash = manifestHash(parseManifest(valid));
    expect(manifestHash(parseManifest(Object.fromEntries(Object.entries(valid).toReversed())))).toBe(hash);
    expect(manifestHash(parseManifest(changed('/cli/version', '1.2.4')))).not.toBe(hash);
  });
});

describe('the registry', () => {
  const acme = { manifest: parseManifest(valid) };
  const other = { manifest: { ...acme.manifest, id: 'codex', aliases: ['codex_cli'] } };

  it('finds a provider by id and by alias', () => {
    const registry = createRegistry([acme, other]);
    expect(registry.get('codex_cli').manifest.id).toBe('codex');
    expect(registry.get('acme').manifest.id).toBe('acme');
    expect(registry.has('nothing')).toBe(false);
    expect(registry.list().map((provider) => provider.manifest.id)).toEqual(['acme', 'codex']);
  });

  it('names the known providers, and the likely one, when asked for another', () => {
    const registry = createRegistry([acme, other]);
    expect(() => registry.get('kodex')).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_UNKNOWN',
        message: 'There is no provider "kodex". Did you mean codex? Known: acme, codex.',
      }),
    );
    expect(() => registry.get('something else')).toThrow('There is no provider "something else". Known: acme, codex.');
    expect(() => registry.get('__proto__')).toThrow(SallyportError);
  });

  it('refuses two providers with one name', () => {
    const twin = { manifest: { ...acme.manifest, id: 'acme_cli', aliases: [] } };
    expect(() => createRegistry([acme, twin])).toThrow('The name acme_cli belongs to provider acme already');
    expect(() => createRegistry([acme, acme])).toThrow(SallyportError);
  });
});
