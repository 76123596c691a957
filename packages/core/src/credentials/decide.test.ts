import { describe, expect, it } from 'vitest';

import { decide } from './decide.ts';
import type { Decision, OfferedFacts, StoredFacts } from './decide.ts';

const facts = (issuedAt?: number, account = 'a@example.com') => ({
  kind: 'plan' as const,
  blank: false,
  account,
  ...(issuedAt !== undefined && { issuedAt }),
});
const current: StoredFacts = {
  version: 4,
  sha256: 'now',
  facts: facts(100),
  valid: true,
  invalidReason: null,
  holder: 'm-1',
  diskNonce: undefined,
  rolledBack: false,
};
const offer: OfferedFacts = {
  sha256: 'next',
  facts: facts(200),
  reason: 'rotation',
  missing: [],
  seenVersion: undefined,
  lineageVersion: undefined,
  machineId: 'm-1',
};
const store = (valid = true): Decision => ({ kind: 'store', expectedVersion: 4, valid });
const refused = (why: string) => ({ kind: 'refuse', why });
const withToken = (lineage: string, issuedAt: number) => ({ ...facts(issuedAt), lineage });
const nothingStored = { ...current, version: 0 };

describe('the decision about an offered credential', () => {
  it.each<[string, Partial<StoredFacts>, Partial<OfferedFacts>, object]>([
    ['stores a rotation from the holder', {}, {}, store()],
    ['stores a harvest from the holder', {}, { reason: 'harvest' }, store()],
    ['stores a rotation whose age nobody knows', {}, { facts: facts() }, store()],
    ['stores a rotation of the same second', {}, { facts: facts(100) }, store()],
    ['refuses an older rotation', {}, { facts: facts(99) }, refused('stale')],
    [
      'stores a token that was never seen, however old its clock says it is',
      { facts: withToken('b', 100) },
      { facts: withToken('c', 1) },
      store(),
    ],
    [
      'refuses a token that was stored before, however new its clock says it is',
      { facts: withToken('b', 100) },
      { facts: withToken('a', 900), lineageVersion: 2 },
      refused('stale'),
    ],
    [
      'leaves it to the clocks after the store was rolled back, which has forgotten tokens',
      { facts: withToken('b', 100), rolledBack: true },
      { facts: withToken('a', 1) },
      refused('stale'),
    ],
    [
      'keeps the stored version where only the access token is older',
      { facts: withToken('b', 100) },
      { facts: withToken('b', 1), lineageVersion: 4 },
      { kind: 'duplicate', version: 4 },
    ],
    [
      'refuses an unseen token from a machine without the lease',
      { facts: withToken('b', 100) },
      { facts: withToken('c', 900), machineId: 'm-2' },
      refused('stale'),
    ],
    ['refuses a version that was stored before', {}, { seenVersion: 2 }, refused('stale')],
    [
      'refuses a version that was stored before, from a login too',
      {},
      { seenVersion: 2, reason: 'login' },
      refused('stale'),
    ],
    [
      'lets a user go back to an earlier API key',
      {},
      { seenVersion: 2, reason: 'import', facts: { kind: 'api-key', blank: false } },
      store(),
    ],
    ['refuses a machine without the lease', {}, { machineId: 'm-2' }, refused('stale')],
    ['refuses a machine when nobody has the lease', { holder: undefined }, {}, refused('stale')],
    [
      'knows the current version again',
      {},
      { sha256: 'now', seenVersion: 4 },
      { kind: 'duplicate', revalidate: false },
    ],
    ['knows it again from a machine without the lease', {}, { sha256: 'now', machineId: 'm-2' }, { kind: 'duplicate' }],
    ['refuses the stub after a failed refresh', {}, { facts: { ...facts(), blank: true } }, refused('blank')],
    ['refuses a blank login', {}, { reason: 'login', facts: { ...facts(), blank: true } }, refused('blank')],
    ['refuses a truncated file', {}, { missing: [{ item: 'auth', problem: 'truncated' }] }, refused('incomplete')],
    ['stores a new login, however old it says it is', {}, { reason: 'login', facts: facts(1) }, store()],
    [
      'stores a new login, no matter which machine holds the lease',
      {},
      { reason: 'login', machineId: undefined },
      store(),
    ],
    ['refuses an import older than a login that works', {}, { reason: 'import', facts: facts(99) }, refused('stale')],
    ['stores an older import of another account', {}, { reason: 'import', facts: facts(99, 'b@example.com') }, store()],
    ['stores an older import over a refused login', { valid: false }, { reason: 'import', facts: facts(99) }, store()],
    ['makes a refused login valid by a new one', { valid: false }, { reason: 'login' }, store(true)],
    ['keeps a rotation of a refused login refused', { valid: false }, {}, store(false)],
    [
      'makes a refused login valid when a user brings it again',
      { valid: false },
      { sha256: 'now', seenVersion: 4, reason: 'import' },
      { kind: 'duplicate', version: 4, revalidate: true },
    ],
    [
      'does not when a machine brings it again',
      { valid: false },
      { sha256: 'now', seenVersion: 4 },
      { kind: 'duplicate', version: 4, revalidate: false },
    ],
  ])('%s', (_, stored, offered, expected) => {
    expect(decide({ ...current, ...stored }, { ...offer, ...offered })).toMatchObject(expected);
  });

  it.each(['login', 'import'] as const)('stores a first %s', (reason) => {
    expect(decide(undefined, { ...offer, reason })).toEqual({ ...store(), expectedVersion: nothingStored.version });
  });

  it.each(['rotation', 'harvest'] as const)('does not bring a disconnected login back by a %s', (reason) => {
    expect(decide(undefined, { ...offer, reason })).toMatchObject(refused('stale'));
  });

  it("asks the provider's own rule where it has one", () => {
    const never = decide(current, offer, () => false);
    const always = decide(current, { ...offer, facts: facts(1) }, () => true);
    expect([never.kind, always.kind]).toEqual(['refuse', 'store']);
  });

  it('names every missing part', () => {
    const missing = [
      { item: 'auth', problem: 'missing /tokens/access_token' },
      { item: 'settings', problem: 'absent' },
    ];
    expect(decide(current, { ...offer, missing })).toMatchObject({
      problem: 'auth: missing /tokens/access_token, settings: absent',
    });
  });
});
