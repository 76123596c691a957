import { describe, expect, it } from 'vitest';

import { mergeSecretJson } from './json-merge.ts';

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
