import { describe, expect, it } from 'vitest';

import { readLockfile } from './lockfile.ts';

const integrity = `sha512-${'A'.repeat(86)}==`;
const path = 'node_modules/a';

function problemOf(entries: object, top: object = {}): string {
  const packages = { '': { dependencies: { a: '1.2.3' } }, [path]: { version: '1.2.3', integrity }, ...entries };
  const result = readLockfile(JSON.stringify({ lockfileVersion: 3, packages, ...top }));
  return typeof result === 'string' ? result : 'accepted';
}

const withEntry = (entry: object): string => problemOf({ [path]: { version: '1.2.3', integrity, ...entry } });

describe('a lockfile', () => {
  it('pins packages of the registry', () => {
    expect(withEntry({ resolved: 'https://registry.npmjs.org/a/-/a-1.2.3.tgz' })).toBe('accepted');
    expect(withEntry({ version: '0.169.0-linux-x64', name: '@openai/codex' })).toBe('accepted');
    expect(withEntry({ version: '1.0.0-rc.1+build.5' })).toBe('accepted');
  });

  it.each([
    '^1.2.3',
    '1.2',
    '1.2.x',
    'latest',
    '',
    'file:../../etc',
    'file:/root',
    'link:../x',
    'git+file:///root/repo',
    'git+ssh://git@host/x.git',
    'github:a/b',
    'http://127.0.0.1:8080/a.tgz',
    'https://example.com/a.tgz',
    'npm:b@1.2.3',
    '../x',
    '/etc/passwd',
    '1.2.3-a.tgz',
    '1.2.3 || file:x',
    '01.2.3',
    '1.2.3\n',
  ])('may not have the version %j', (version) => {
    expect(withEntry({ version })).toBe('entry "node_modules/a" has a version that is not an exact one such as 1.2.3');
  });

  it.each([
    '',
    'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    'sha512-x',
    `sha512-${'A'.repeat(84)}==`,
    `sha512-${'A'.repeat(86)}`,
    `sha512-${'A'.repeat(85)}B==`,
    `${integrity} sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=`,
    `${integrity}?x`,
    integrity.replace('sha512', 'sha384'),
  ])('may not have the integrity %j', (wrong) => {
    expect(withEntry({ integrity: wrong })).toBe(
      'entry "node_modules/a" has an integrity that is not one sha512 hash of 64 bytes',
    );
  });

  it('may not leave the integrity out', () => {
    expect(withEntry({ integrity: undefined })).toBe('entry "node_modules/a" has no integrity');
  });

  it.each([
    'http://127.0.0.1:8080/a.tgz',
    'http://registry.npmjs.org/a/-/a-1.2.3.tgz',
    'file:../x.tgz',
    'file:///root/x.tgz',
    'git+file:///root/repo',
    'git+ssh://git@host/x.git',
    '../x',
    '',
    'https://user:pass@registry.npmjs.org/a.tgz',
    'https://registry.npmjs.org/a.tgz?x',
    'https://registry.npmjs.org/a.tgz#x',
  ])('may not be resolved to %j', (resolved) => {
    expect(withEntry({ resolved })).toContain(
      'entry "node_modules/a" is resolved to something other than an https URL',
    );
  });

  it.each([
    '/etc',
    '../x',
    'node_modules/..',
    'node_modules/../../x',
    'node_modules/a/../b',
    'node_modules/.bin/x',
    'node_modules/a/b',
    'packages/a',
    'node_modules//a',
    'node_modules/@a',
    'C:/x',
  ])('may not have an entry for %j', (key) => {
    const text = `{"lockfileVersion":3,"packages":{${JSON.stringify(key)}:{"version":"1.2.3","integrity":"${integrity}"}}}`;
    expect(readLockfile(text)).toBe(`entry ${JSON.stringify(key)} is not a path of packages below node_modules`);
  });

  it.each([
    [{ link: true }, 'is a link'],
    [{ hasShrinkwrap: true }, 'brings its own lockfile'],
    [{ workspaces: ['x'] }, 'has workspaces'],
    [{ name: '../x' }, 'has a name that is not an npm package name'],
  ])('may not have an entry with %j', (entry, problem) => {
    expect(withEntry(entry)).toContain(`entry "node_modules/a" ${problem}`);
  });

  it.each([
    'file:../x',
    'git+file:///root/repo',
    'http://127.0.0.1/x.tgz',
    'a/b',
    './x',
    '~/x',
    'x.tgz',
    '1.0.0-x.tgz',
    'latest',
    'npm:b@^1.0.0',
    'npm:b@file:x',
    'npm:b',
    'workspace:*',
  ])('may not depend on %j, in an entry and at the top', (spec) => {
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies']) {
      expect(withEntry({ [kind]: { b: spec } })).toContain('entry "node_modules/a" depends on b at');
      expect(problemOf({ '': { [kind]: { b: spec } } })).toContain('entry "" depends on b at');
    }
  });

  it.each([
    '',
    '*',
    '1',
    '^1.2.3',
    '~1.2',
    '>=1.2.3 <2',
    '>= 1',
    '1.x || ^2.0.0-rc.1',
    '1.0.0 - 2',
    'npm:@b/c@1.2.3-x',
  ])('may depend on %j', (spec) => {
    expect(withEntry({ dependencies: { b: spec } })).toBe('accepted');
  });

  it('may not leave out an optional dependency, such as the binary for another platform', () => {
    const optionalDependencies = { 'a-linux-x64': '1.2.3', '@a/darwin-arm64': 'npm:a@1.2.3-darwin-arm64' };
    const entry = { version: '1.2.3', integrity };
    const packages = { [path]: { ...entry, optionalDependencies }, 'node_modules/a-linux-x64': entry };
    const problem =
      'has the optional dependency @a/darwin-arm64, but the lockfile has no entry for that: ' +
      'write the lockfile in an empty directory, or take the dependency out';
    expect(problemOf(packages)).toBe(`entry "node_modules/a" ${problem}`);
    expect(problemOf({ ...packages, 'node_modules/b/node_modules/@a/darwin-arm64': entry })).toContain(problem);
    expect(problemOf({ ...packages, 'node_modules/@a/darwin-arm64': entry })).toBe('accepted');
    expect(problemOf({ ...packages, [`${path}/node_modules/@a/darwin-arm64`]: entry })).toBe('accepted');
    expect(problemOf({ '': { optionalDependencies: { b: '1' } } })).toContain(
      'entry "" has the optional dependency b,',
    );
  });

  it('may have an optional dependency beside any package above', () => {
    const entry = { version: '1.2.3', integrity };
    const deep = `${path}/node_modules/b/node_modules/c`;
    const packages = { [`${path}/node_modules/b`]: entry, [deep]: { ...entry, optionalDependencies: { d: '1' } } };
    for (const above of [`${path}/node_modules/b/node_modules/d`, `${path}/node_modules/d`, 'node_modules/d']) {
      expect(problemOf({ ...packages, [above]: entry })).toBe('accepted');
    }
    expect(problemOf(packages)).toContain(`entry "${deep}" has the optional dependency d,`);
  });

  it('may bundle packages in the archive of one with a hash, and only there', () => {
    const inBundle = { version: '1.0.0', inBundle: true };
    const bundling = { version: '1.2.3', integrity, bundleDependencies: ['b'] };
    const below = `${path}/node_modules`;
    const withC = { ...inBundle, dependencies: { c: '^1.0.0' } };
    expect(problemOf({ [path]: bundling, [`${below}/b`]: withC, [`${below}/c`]: inBundle })).toBe('accepted');
    const refused = 'is marked inBundle, but no package above it bundles it';
    expect(problemOf({ 'node_modules/b': inBundle })).toContain(refused);
    expect(problemOf({ [`${below}/b`]: inBundle })).toContain(refused);
    expect(problemOf({ [path]: bundling, [`${below}/b`]: inBundle, [`${below}/c`]: inBundle })).toContain(refused);
    expect(problemOf({ 'node_modules/x/node_modules/b': inBundle })).toContain(refused);
    expect(
      problemOf({ [path]: bundling, [`${below}/b`]: { ...inBundle, resolved: 'https://registry.npmjs.org/b.tgz' } }),
    ).toContain('is in a bundle and yet resolved to a URL');
  });

  it('is bounded in size and in entries', () => {
    const many = Object.fromEntries(
      Array.from({ length: 1001 }, (_item, index) => [`node_modules/p${index}`, { version: '1.0.0', integrity }]),
    );
    expect(problemOf(many)).toBe('has more than 1000 entries');
    expect(readLockfile(' '.repeat(200_001))).toBe('has more than 200000 characters');
  });

  it.each([
    ['', 'is not JSON'],
    ['null', 'is not valid'],
    ['{}', 'is not a package-lock.json of version 3'],
    ['{"lockfileVersion":2,"packages":{}}', 'is not a package-lock.json of version 3'],
    ['{"lockfileVersion":3}', 'has no packages'],
    ['{"lockfileVersion":3,"packages":{"__proto__":{"version":"file:x"}}}', 'has the key __proto__'],
    ['{"lockfileVersion":3,"packages":[]}', 'has no packages'],
    ['{"lockfileVersion":3,"packages":{},"dependencies":{}}', 'is not valid'],
    ['{"lockfileVersion":3,"packages":{"node_modules/a":null}}', 'entry "node_modules/a" is not valid'],
    ['{"lockfileVersion":3,"packages":{"":{"dependencies":[]}}}', 'entry "" has dependencies that are not an object'],
  ])('cannot be %s', (text, problem) => {
    expect(readLockfile(text)).toContain(problem);
  });
});

describe('what is wrong with a lockfile', () => {
  const long = 'a'.repeat(70_000);
  const deep = '['.repeat(3000) + ']'.repeat(3000);
  it.each([
    ['a spec that cannot become text', '{"":{"dependencies":{"a":{"toString":1}}}}'],
    ['a spec that is nested beyond reason', `{"":{"dependencies":{"a":${deep}}}}`],
    ['a name beyond reason', `{"":{"dependencies":{"${long}":"../x"}}}`],
    ['a spec beyond reason', `{"":{"dependencies":{"a":"${long}"}}}`],
    ['a path that a terminal obeys', '{"\\u001b]8;;x\\u0007\\u007f\\u202e":{}}'],
  ])('is told in a sentence: %s', (_what, packages) => {
    const found = readLockfile(`{"lockfileVersion":3,"packages":${packages}}`);
    expect(typeof found).toBe('string');
    expect(JSON.stringify(found).length).toBeLessThan(2000);
    expect(found).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('is told in a sentence: a key beyond reason', () => {
    const found = readLockfile(`{"lockfileVersion":3,"packages":{},"${long}":1}`);
    expect(JSON.stringify(found).length).toBeLessThan(2000);
  });
});
