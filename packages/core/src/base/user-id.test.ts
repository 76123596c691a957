import { describe, expect, it } from 'vitest';

import { resolveUserId } from './user-id.ts';

describe('resolveUserId', () => {
  it('keeps a UUID, in lower case, without an external id', () => {
    expect(resolveUserId('0190B5A4-7C1D-7E3F-8A9B-0C1D2E3F4A5B')).toEqual({
      userId: '0190b5a4-7c1d-7e3f-8a9b-0c1d2e3f4a5b',
      externalId: null,
    });
  });

  // Computed with Python's uuid.uuid5. These must never change: stored rows are found by them.
  it.each([
    ['local', 'd6b95927-7f4b-5e91-b668-8728cf954f4f'],
    ['auth0|12', '7515312a-68bd-5bde-8f7d-508945e9272b'],
    ['Jürgen', '8fb2ae60-0d90-5d46-bd5e-3aa188e90a3d'],
  ])('maps %j to the same UUID for ever', (name, userId) => {
    expect(resolveUserId(name)).toEqual({ userId, externalId: name });
  });

  it('takes the local user when nobody is named', () => {
    expect(resolveUserId(undefined)).toEqual(resolveUserId('local'));
  });

  it('does not mistake something like a UUID for one', () => {
    expect(resolveUserId('{0190b5a4-7c1d-7e3f-8a9b-0c1d2e3f4a5b}').externalId).not.toBeNull();
    expect(resolveUserId('0190b5a47c1d7e3f8a9b0c1d2e3f4a5b').externalId).not.toBeNull();
  });

  it.each(['', 'x'.repeat(129), 'a\nb', 'a\0', '\u007f', '\u0085', 'half \ud83d'])('refuses %j', (name) => {
    expect(() => resolveUserId(name)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });
});
