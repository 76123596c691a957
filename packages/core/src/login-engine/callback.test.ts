import { describe, expect, it } from 'vitest';

import { checkCallback } from './callback.ts';
import type { ExpectedCallback } from './callback.ts';

const expected: ExpectedCallback = { state: 'the-state', path: '/auth/callback', used: false };
const check = (query: string, difference: Partial<ExpectedCallback> = {}): ReturnType<typeof checkCallback> =>
  checkCallback(new URLSearchParams(query), { ...expected, ...difference });

describe('the callback check', () => {
  it('lets a code with the right state pass, rebuilt', () => {
    expect(check('state=the-state&code=a%2Fb+c')).toEqual({
      ok: true,
      target: '/auth/callback?code=a%2Fb+c&state=the-state',
      outcome: 'code',
    });
  });

  it("lets the provider's refusal pass, so that the CLI learns of it", () => {
    expect(check('error=access_denied&error_description=No%0d%0aX-Evil:+1&state=the-state')).toEqual({
      ok: true,
      target: '/auth/callback?state=the-state&error=access_denied&error_description=NoX-Evil%3A+1',
      outcome: 'error',
      error: 'access_denied',
    });
  });

  it.each([
    'redirect_uri=https%3A%2F%2Fevil.example',
    'host=169.254.169.254',
    'port=22',
    'path=%2F..%2Fcancel',
    '%0d%0aGET%20/x=1',
    '__proto__=1',
  ])('drops %s', (extra) => {
    expect(check(`code=c&state=the-state&${extra}`)).toMatchObject({ target: '/auth/callback?code=c&state=the-state' });
  });

  it.each([
    ['a missing state', 'code=c', {}, /state is not/],
    ['an empty state', 'code=c&state=', {}, /state is not/],
    ['another state', 'code=c&state=other', {}, /state is not/],
    ['a longer state', 'code=c&state=the-state2', {}, /state is not/],
    ['two states', 'code=c&state=the-state&state=other', {}, /state occurs twice/],
    ['two codes', 'code=c&code=d&state=the-state', {}, /code occurs twice/],
    ['a second callback', 'code=c&state=the-state', { used: true }, /already had its callback/],
    ['a callback to a link without state', 'code=c&state=', { state: undefined }, /carried no state/],
    ['an empty expectation', 'code=c&state=', { state: '' }, /carried no state/],
    ['neither code nor error', 'state=the-state', {}, /neither a code nor an error/],
    ['both code and error', 'code=c&error=e&state=the-state', {}, /neither a code nor an error, or both/],
    [
      'another issuer',
      'code=c&state=the-state&iss=https://evil',
      { issuer: 'https://idp' },
      /another authorisation server/,
    ],
    ['a megabyte', `code=${'c'.repeat(1_000_000)}&state=the-state`, {}, /exceed 8192 bytes/],
  ])('refuses %s', (_name, query, difference, reason) => {
    expect(check(query, difference)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
  });

  it('refuses both callbacks when two logins swap their codes', () => {
    expect(check('code=mine&state=state-a', { state: 'state-b' }).ok).toBe(false);
    expect(check('code=yours&state=state-b', { state: 'state-a' }).ok).toBe(false);
  });

  it('never repeats code or state in a refusal', () => {
    expect(JSON.stringify(check('code=canary-code&state=canary-state'))).not.toContain('canary');
  });
});
