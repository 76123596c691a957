import { describe, expect, it } from 'vitest';

import { examine } from './examine.ts';
import type { LedgerProvider } from './examine.ts';

const provider = (inspected: object): LedgerProvider => ({
  manifest: {
    title: 'Acme',
    credentials: [
      {
        as: 'file',
        id: 'auth',
        role: 'secret',
        format: 'text',
        mode: 0o600,
        rotates: true,
        require: [],
        write: 'replace',
        paths: { browser: '~/.acme', cli: '~/.acme' },
      },
    ],
  },
  inspect: () => ({ kind: 'plan', blank: false, ...inspected }),
});
const factsOf = (inspected: object): unknown => examine(provider(inspected), { auth: 'x' }).facts;

describe('what a file says about itself', () => {
  it.each([['issuedAt'], ['accessExpiresAt'], ['loginExpiresAt']])('has no %s that is not a moment', (name) => {
    for (const wrong of [1e300, -1e300, 8.64e15 + 1, NaN, Infinity]) {
      expect(factsOf({ [name]: wrong })).toEqual({ kind: 'plan', blank: false });
    }
    expect(factsOf({ [name]: 8.64e15 })).toEqual({ kind: 'plan', blank: false, [name]: 8.64e15 });
  });

  it('names the account in at most 320 characters', () => {
    expect(factsOf({ account: 'ada@example.org (max)' })).toMatchObject({ account: 'ada@example.org (max)' });
    expect(JSON.stringify(factsOf({ account: 'a'.repeat(70_000) })).length).toBeLessThan(1000);
  });
});
