import { describe, expect, it } from 'vitest';

import { mergeJson, mergeSecretJson } from './json-merge.ts';

const merged = (existing: string | undefined, next: object): unknown =>
  JSON.parse(mergeSecretJson(existing, JSON.stringify(next), ['/login/access', '/login/refresh']));

describe('a secret that is written over the file of a CLI', () => {
  it('keeps what the CLI put beside it', () => {
    const existing = JSON.stringify({ login: { access: 'old' }, mcpOAuth: { server: 'token' } });
    expect(merged(existing, { login: { access: 'new', refresh: 'new' } })).toEqual({
      login: { access: 'new', refresh: 'new' },
      mcpOAuth: { server: 'token' },
    });
  });

  it('keeps nothing that lies in the secret, not even keys that the new one has not', () => {
    const existing = JSON.stringify({ login: { access: 'old', account: 'other', plan: 'other' } });
    expect(merged(existing, { login: { access: 'new' } })).toEqual({ login: { access: 'new' } });
    expect(merged(existing, {})).toEqual({});
  });

  it('lets the stored text win wherever it has a key', () => {
    const existing = JSON.stringify({ organization: 'old', login: {} });
    expect(merged(existing, { login: {}, organization: 'new' })).toEqual({ login: {}, organization: 'new' });
  });

  it.each([undefined, '', '[1]', 'null', '{"login":'])('replaces %j whole', (existing) => {
    expect(merged(existing, { login: { access: 'new' } })).toEqual({ login: { access: 'new' } });
  });
});

describe('a secret whose place has', () => {
  const mergedAt = (pointer: string, existing: object, next: object): unknown =>
    JSON.parse(mergeSecretJson(JSON.stringify(existing), JSON.stringify(next), [pointer]));

  it('an escaped slash in its key: nothing of the old one is kept', () => {
    const old = { 'https://a.test': { token: 'old', account: 'old' }, theme: 'dark' };
    const next = { 'https://b.test': { token: 'new' } };
    expect(mergedAt('/https:~1~1a.test/token', old, next)).toEqual({ ...next, theme: 'dark' });
  });

  it('accounts for keys: those of the old one go, and what lies beside the map stays', () => {
    const old = { authTokens: { 'old@example.com': { token: 'old' } }, theme: 'dark' };
    const next = { authTokens: { 'new@example.com': { token: 'new' } } };
    expect(mergedAt('/authTokens/*/token', old, next)).toEqual({ ...next, theme: 'dark' });
  });

  it('accounts for keys at the top: all of it is the secret', () => {
    const next = { 'new@example.com': { token: 'new' } };
    expect(mergedAt('/*/token', { 'old@example.com': { token: 'old' } }, next)).toEqual(next);
  });
});

it('settings with comments keep what the user has set', () => {
  const existing = '{\n  // mine\n  "theme": "dark",\n  "nested": { "a": 1, },\n}\n';
  expect(JSON.parse(mergeJson(existing, '{"nested":{"b":2}}'))).toEqual({ theme: 'dark', nested: { a: 1, b: 2 } });
});

describe('a file that is nested beyond reason', () => {
  const deep = `{"a":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`;

  it('is replaced whole, and replaces whole', () => {
    for (const merge of [mergeJson, (before: string, text: string) => mergeSecretJson(before, text, ['/login'])]) {
      expect(merge(deep, '{"login":1}')).toBe('{"login":1}');
      expect(merge('{"login":1}', deep)).toBe(deep);
      expect(merge(deep, deep)).toBe(deep);
    }
  });
});
