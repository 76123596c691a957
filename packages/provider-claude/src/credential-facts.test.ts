import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { credentialSupersedes, inspectCredential } from './credential-facts.ts';
import { asRecord, tryParseJson } from '@sallyport/core/provider';

const read = (name: string): string =>
  readFileSync(new URL(`__fixtures__/credentials/${name}`, import.meta.url), 'utf8');
const auth = read('claude-2.1.330.credentials.json');
const settings = read('claude-2.1.330.dot-claude.json');
const changed = (change: object): string =>
  JSON.stringify({ claudeAiOauth: { ...asRecord(asRecord(tryParseJson(auth))['claudeAiOauth']), ...change } });

describe('inspectCredential', () => {
  it('reads account, plan and times from the files that 2.1.330 writes', () => {
    const facts = inspectCredential({ auth, settings });
    expect(facts).toEqual({
      kind: 'plan',
      blank: false,
      account: 'fake@example.test (max)',
      accessExpiresAt: 1795480872611,
      loginExpiresAt: 1798044072611,
      lineage: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(JSON.stringify(facts)).not.toContain('FAKE');
  });

  it('names the account by its id where the settings file is not there', () => {
    expect(inspectCredential({ auth }).account).toBe('11111111-1111-4111-8111-111111111111 (max)');
  });

  it('knows a long-lived token and an API key, and keeps them out of what it says', () => {
    const [token, key] = ['sk-ant-oat01-FAKE-long', 'sk-ant-api03-FAKE-key'];
    const [ofToken, ofKey] = [inspectCredential({ token, settings }), inspectCredential({ api_key: key })];
    expect([ofToken.kind, ofToken.blank, ofKey.kind, ofKey.blank]).toEqual(['plan', false, 'api-key', false]);
    expect(JSON.stringify([ofToken, ofKey])).not.toContain('FAKE');
  });

  it.each([
    ['nothing', ''],
    ['the empty object of an answer without scopes', '{}'],
    ['the stub of a refused refresh', changed({ accessToken: '', refreshToken: '', expiresAt: 0 })],
    ['no access token', changed({ accessToken: null })],
    ['no refresh token', changed({ refreshToken: '' })],
    ['no scope to prompt with', changed({ scopes: ['user:profile'] })],
    ['a truncated file', auth.slice(0, 100)],
    ['a list', '[]'],
  ])('calls %s blank', (_, text) => {
    expect(inspectCredential({ auth: text, settings })).toMatchObject({ blank: true });
  });
});

describe('credentialSupersedes', () => {
  const facts = { kind: 'plan', blank: false } as const;

  it('prefers the access token that ends later', () => {
    const [early, late] = [
      { ...facts, accessExpiresAt: 1 },
      { ...facts, accessExpiresAt: 2 },
    ];
    expect(credentialSupersedes(late, early)).toBe(true);
    expect(credentialSupersedes(early, late)).toBe(false);
    expect(credentialSupersedes(early, { ...early, lineage: 'a' })).toBe(false);
  });

  it('takes another token that arrives later, and not the same one again', () => {
    expect(credentialSupersedes({ ...facts, lineage: 'b' }, { ...facts, lineage: 'a' })).toBe(true);
    expect(credentialSupersedes({ ...facts, lineage: 'a' }, { ...facts, lineage: 'a' })).toBe(false);
  });

  it('lets no file from a disk replace a token or a key', () => {
    const file = { ...facts, accessExpiresAt: 9, lineage: 'f' };
    expect(credentialSupersedes(file, { ...facts, lineage: 't' })).toBe(false);
    expect(credentialSupersedes(file, { ...facts, kind: 'api-key', lineage: 'k' })).toBe(false);
  });
});
