import { describe, expect, it } from 'vitest';

import type { CredentialFacts } from '../contracts/credential-files.ts';
import { refreshTime } from './refresh-policy.ts';

const HOUR_MS = 60 * 60_000;
const MINUTE_MS = 60_000;
const beforeMs = 20 * MINUTE_MS;

const credential = (facts: Partial<CredentialFacts>, userId = 'ada') => ({
  userId,
  provider: 'codex',
  version: 1,
  facts: { kind: 'plan', blank: false, ...facts } as const,
});

describe('the time at which a login is refreshed', () => {
  it('is before the end of its access token, and not the same for everybody', () => {
    const end = 10 * HOUR_MS;
    const times = Array.from({ length: 50 }, (_, index) =>
      refreshTime(credential({ issuedAt: 0, accessExpiresAt: end }, `user-${index}`), {}, beforeMs),
    );
    for (const time of times) {
      expect(time).toBeLessThanOrEqual(end - beforeMs);
      expect(time).toBeGreaterThanOrEqual(end - 2 * beforeMs);
    }
    expect(new Set(times).size).toBeGreaterThan(30);
    expect(refreshTime(credential({ issuedAt: 0, accessExpiresAt: end }, 'user-0'), {}, beforeMs)).toBe(times[0]);
  });

  it('leaves a token that does not live long at least half of its life', () => {
    const time = refreshTime(credential({ issuedAt: 0, accessExpiresAt: 10 * MINUTE_MS }), {}, beforeMs);
    expect(time).toBe(5 * MINUTE_MS);
  });

  it('goes by the age of the login where its provider names one', () => {
    const time = refreshTime(credential({ issuedAt: HOUR_MS }), { afterHours: 24 }, beforeMs);
    expect(time).toBeLessThanOrEqual(25 * HOUR_MS - beforeMs);
    expect(time).toBeGreaterThanOrEqual(25 * HOUR_MS - 2 * beforeMs);
  });

  it('is none for a login that does not say when it ends, a key, a token that lasts, and one that is over', () => {
    const accessExpiresAt = HOUR_MS;
    for (const facts of [
      { issuedAt: 0 },
      { kind: 'api-key', accessExpiresAt },
      { rotates: false, accessExpiresAt },
      { blank: true, accessExpiresAt },
    ] as const)
      expect(refreshTime(credential(facts), {}, beforeMs)).toBeUndefined();
  });
});
