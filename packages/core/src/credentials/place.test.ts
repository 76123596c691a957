import { describe, expect, it } from 'vitest';

import { credentialItemSchema } from '../provider/credential-item.ts';
import type { CredentialItem } from '../provider/credential-item.ts';
import { mergeJson } from './json-merge.ts';
import {
  collectCredential,
  credentialEnvironment,
  credentialPaths,
  expandHome,
  leftoverPaths,
  placeCredential,
  settingsFor,
} from './place.ts';

const items: readonly CredentialItem[] = [
  {
    as: 'file',
    id: 'auth',
    role: 'secret',
    format: 'json',
    rotates: true,
    require: [],
    write: 'replace',
    paths: { browser: '~/.login/auth.json', cli: '~/.cli/auth.json' },
  },
  {
    as: 'file',
    id: 'settings',
    role: 'settings',
    format: 'json',
    rotates: false,
    require: [],
    write: 'merge-json',
    paths: { browser: '~/.cli.json', cli: '~/.cli.json' },
  },
  { as: 'environment', id: 'key', name: 'API_KEY', from: 'user' },
].map((item) => credentialItemSchema.parse(item));

describe('placing a credential', () => {
  const files = { auth: '{"a":1}', settings: '{"account":{"id":1}}', key: 'sk-1', unknown: 'x' };

  it('puts each file where the manifest says for that place, and nothing else anywhere', () => {
    expect(placeCredential(items, files, 'browser')).toEqual([
      { path: '~/.login/auth.json', content: '{"a":1}', mode: 0o600 },
      { path: '~/.cli.json', content: '{"account":{"id":1}}', mode: 0o600 },
    ]);
    expect(placeCredential(items, files, 'cli')[0]?.path).toBe('~/.cli/auth.json');
    expect(credentialPaths(items, 'cli')).toEqual(['~/.cli/auth.json', '~/.cli.json']);
  });

  it('merges into a file the CLI edits too, and replaces the others', () => {
    const placed = placeCredential(items, files, 'cli', [
      { path: '~/.cli/auth.json', content: '{"old":1}', mode: 0o644 },
      { path: '~/.cli.json', content: '{"theme":"dark","account":{"id":0,"name":"n"}}', mode: 0o644 },
    ]);
    expect(placed[0]).toEqual({ path: '~/.cli/auth.json', content: '{"a":1}', mode: 0o600 });
    expect(JSON.parse(placed[1]?.content ?? '')).toEqual({ theme: 'dark', account: { id: 1, name: 'n' } });
  });

  it('leaves out what the credential does not have', () => {
    expect(placeCredential(items, { key: 'sk-1' }, 'cli')).toEqual([]);
  });

  it('reads back what it placed', () => {
    const placed = placeCredential(items, files, 'cli');
    const stranger = { path: '~/.other', content: 'x', mode: 0o600 };
    expect(collectCredential(items, [...placed, stranger], 'cli')).toEqual({
      auth: files.auth,
      settings: files.settings,
    });
  });

  it('gives values as variables', () => {
    expect(credentialEnvironment(items, files)).toEqual({ API_KEY: 'sk-1' });
    expect(credentialEnvironment(items, { auth: '{}' })).toEqual({});
  });
});

describe('settingsFor', () => {
  it.each(['$&', "$'", '$`', '$$', '{{value}}'])('writes a value such as %j as it is', (value) => {
    const item: CredentialItem = {
      as: 'environment',
      id: 'key',
      name: 'KEY',
      from: 'user',
      settings: [{ path: '~/.a', content: '{"key":"{{value}}"}' }],
    };
    expect(settingsFor([], [item], { key: value })).toEqual([
      { path: '~/.a', content: JSON.stringify({ key: value }) },
    ]);
  });
});

describe('mergeJson', () => {
  it('replaces arrays and scalars', () => {
    expect(JSON.parse(mergeJson('{"a":[1,2],"b":{"c":1},"d":1}', '{"a":[3],"b":2}'))).toEqual({ a: [3], b: 2, d: 1 });
  });

  it.each([undefined, '', 'not json', '[]', 'null', '{"half":'])(
    'takes the new text where the old one is %j',
    (old) => {
      expect(mergeJson(old, '{"a":1}')).toBe('{"a":1}');
    },
  );

  it('treats __proto__ as a key like any other', () => {
    const merged: unknown = JSON.parse(mergeJson('{"__proto__":{"a":1}}', '{"__proto__":{"b":2}}'));
    expect(Object.entries(merged ?? {})).toEqual([['__proto__', { a: 1, b: 2 }]]);
    expect({}).not.toHaveProperty('b');
  });
});

describe('expandHome', () => {
  it('joins a home path to an absolute home', () => {
    expect(expandHome('~/.codex/auth.json', '/home/cli')).toBe('/home/cli/.codex/auth.json');
    expect(expandHome('~/a', '/home/cli/')).toBe('/home/cli/a');
  });

  it.each([
    '/etc/passwd',
    '~root/x',
    '~/../x',
    '~/a/../../x',
    '~/a/./b',
    '~/a//b',
    '~/a b',
    '~/a\nb',
    '~/.bashrc',
    '~/.ssh/authorized_keys',
    '~/',
    '~',
    '',
    'a',
    '~/a"b',
    '~/a\0',
  ])('refuses %j', (path) => {
    expect(() => expandHome(path, '/home/cli')).toThrow(expect.objectContaining({ code: 'PROVIDER_MANIFEST_INVALID' }));
  });

  it.each(['', 'home', '/home/../etc'])('refuses the home %j', (home) => {
    expect(() => expandHome('~/a', home)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

describe('a value that goes into a settings file', () => {
  const key = {
    as: 'environment',
    id: 'filed_key',
    name: 'ACME_KEY',
    from: 'user',
    settings: [{ path: '~/.cli/auth.json', content: '{"key":"{{value}}"}' }],
  } as const;
  const all = [...items, credentialItemSchema.parse(key)];
  const usual = [
    { path: '~/.cli/auth.json', content: 'usual' },
    { path: '~/.cli/config', content: 'usual' },
  ];

  it('stands there, escaped, in place of the usual content, and in no variable', () => {
    const settings = settingsFor(usual, all, { filed_key: 'k"1\\' });
    expect(settings).toEqual([usual[1], { path: '~/.cli/auth.json', content: '{"key":"k\\"1\\\\"}' }]);
    expect(credentialEnvironment(all, { filed_key: 'k' })).toEqual({});
  });

  it('leaves the settings alone while something else is the credential', () => {
    expect(settingsFor(usual, all, { auth: '{}' })).toEqual(usual);
  });
});

describe('what an earlier login left on a disk', () => {
  it('are the secret files that the present one has not', () => {
    expect(leftoverPaths(items, { auth: '{}' }, 'cli')).not.toContain('~/.cli/auth.json');
    expect(leftoverPaths(items, { token: 't' }, 'browser')).toContain('~/.login/auth.json');
  });
});
