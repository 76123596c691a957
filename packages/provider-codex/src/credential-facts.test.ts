import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { credentialSupersedes, inspectCredential } from './credential-facts.ts';
import { asRecord, tryParseJson } from '@sallyport/core/provider';

const recorded = readFileSync(new URL('__fixtures__/credentials/codex-0.169.0.auth.json', import.meta.url), 'utf8');
const tokens = (change: object): string => {
  const auth = asRecord(tryParseJson(recorded));
  return JSON.stringify({ ...auth, tokens: { ...asRecord(auth['tokens']), ...change } });
};
const jwt = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

describe('inspectCredential', () => {
  it('reads account, plan and times from the file that 0.169.0 writes', () => {
    const facts = inspectCredential({ auth: recorded });
    expect(facts).toEqual({
      kind: 'plan',
      blank: false,
      account: 'fake@example.test (plus)',
      issuedAt: Date.parse('2026-11-23T16:33:15.298Z'),
      accessExpiresAt: 1795455195000,
      lineage: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(JSON.stringify(facts)).not.toContain('rt-FAKE');
  });

  it('reads the shape of older versions, which has neither auth_mode nor last_refresh', () => {
    const old = JSON.stringify({
      OPENAI_API_KEY: null,
      tokens: { id_token: jwt({ email: 'a@b.test' }), access_token: jwt({ iat: 100, exp: 200 }), refresh_token: 'r' },
    });
    expect(inspectCredential({ auth: old })).toMatchObject({
      blank: false,
      account: 'a@b.test',
      issuedAt: 100_000,
      accessExpiresAt: 200_000,
    });
  });

  it('knows an API key, and keeps it out of what it says', () => {
    const key = 'sk-FAKE-key-1234567890';
    const facts = inspectCredential({ auth: JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: key }) });
    expect(facts).toMatchObject({ kind: 'api-key', blank: false });
    expect(JSON.stringify(facts)).not.toContain(key);
  });

  it.each([
    ['nothing', ''],
    ['an empty object', '{}'],
    ['a truncated file', recorded.slice(0, 900)],
    ['no refresh token', tokens({ refresh_token: '' })],
    ['no access token', tokens({ access_token: null })],
    ['an identity token that does not decode', tokens({ id_token: 'x.y.z' })],
    ['a list', '[]'],
  ])('calls %s blank', (_, auth) => {
    expect(inspectCredential({ auth })).toMatchObject({ blank: true });
  });
});

describe('credentialSupersedes', () => {
  const facts = { kind: 'plan', blank: false } as const;

  it('prefers the later refresh, also against a later expiry', () => {
    const [early, late] = [
      { ...facts, issuedAt: 1, accessExpiresAt: 9 },
      { ...facts, issuedAt: 2, accessExpiresAt: 3 },
    ];
    expect(credentialSupersedes(late, early)).toBe(true);
    expect(credentialSupersedes(early, late)).toBe(false);
  });

  it('goes by the end of the access token where no refresh time is known', () => {
    expect(credentialSupersedes({ ...facts, accessExpiresAt: 2 }, { ...facts, accessExpiresAt: 1 })).toBe(true);
    expect(credentialSupersedes({ ...facts, accessExpiresAt: 1 }, { ...facts, accessExpiresAt: 2 })).toBe(false);
  });

  it('takes a different login that arrives later, and not the same one again', () => {
    expect(credentialSupersedes({ ...facts, lineage: 'b' }, { ...facts, lineage: 'a' })).toBe(true);
    expect(credentialSupersedes({ ...facts, lineage: 'a' }, { ...facts, lineage: 'a' })).toBe(false);
  });

  it('lets a key replace a plan login', () => {
    expect(credentialSupersedes({ kind: 'api-key', blank: false, issuedAt: 1 }, { ...facts, issuedAt: 2 })).toBe(true);
  });
});
