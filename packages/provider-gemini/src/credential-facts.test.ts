import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { credentialSupersedes, inspectCredential } from './credential-facts.ts';
import { asRecord, tryParseJson } from '@sallyport/core/provider';

const recorded = readFileSync(
  new URL('__fixtures__/credentials/gemini-0.61.0.oauth_creds.json', import.meta.url),
  'utf8',
);
const changed = (change: object): string => JSON.stringify({ ...asRecord(tryParseJson(recorded)), ...change });

describe('inspectCredential', () => {
  it('reads account and times from the file that 0.61.0 writes', () => {
    const facts = inspectCredential({ oauth_creds: recorded });
    expect(facts).toEqual({
      kind: 'plan',
      blank: false,
      account: 'fake@example.test',
      issuedAt: 1795452715000,
      accessExpiresAt: 1795456314331,
      lineage: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    expect(JSON.stringify(facts)).not.toContain('fake-FAKE');
  });

  it('needs no identity token: a refresh may come without one', () => {
    const facts = inspectCredential({ oauth_creds: changed({ id_token: undefined }) });
    expect(facts).toMatchObject({ blank: false });
    expect(facts).not.toHaveProperty('account');
  });

  it.each([
    ['nothing', ''],
    ['the moment in which the CLI has emptied its file', '\n'],
    ['a truncated file', recorded.slice(0, 300)],
    ['no refresh token', changed({ refresh_token: '' })],
    ['no access token', changed({ access_token: null })],
    ['a list', '[]'],
  ])('calls %s blank', (_, text) => {
    expect(inspectCredential({ oauth_creds: text })).toMatchObject({ blank: true });
  });
});

describe('credentialSupersedes', () => {
  const facts = { kind: 'plan', blank: false } as const;

  it('goes by the end of the access token, whatever the identity token says', () => {
    const [early, late] = [
      { ...facts, issuedAt: 9, accessExpiresAt: 1 },
      { ...facts, issuedAt: 1, accessExpiresAt: 2 },
    ];
    expect(credentialSupersedes(late, early)).toBe(true);
    expect(credentialSupersedes(early, late)).toBe(false);
  });

  it('takes a different login that arrives later, and not the same one again', () => {
    expect(credentialSupersedes({ ...facts, lineage: 'b' }, { ...facts, lineage: 'a' })).toBe(true);
    expect(credentialSupersedes({ ...facts, lineage: 'a' }, { ...facts, lineage: 'a' })).toBe(false);
  });
});
