import { expect, it } from 'vitest';

import { parseRetryAfter, retryDelayMs } from './retry.ts';

const now = Date.UTC(2026, 0, 1);

it('waits twice as long each time, up to five minutes', () => {
  expect([1, 2, 3, 9, 10, 2000].map((tried) => retryDelayMs(tried, 0))).toEqual([
    1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
});

it('takes off up to half of it at random', () => {
  expect(retryDelayMs(3, 0.5)).toBe(3_000);
  expect(retryDelayMs(3, 1)).toBe(2_000);
});

it('waits at least as long as the receiver asks, and an hour at most', () => {
  expect(retryDelayMs(1, 0, 30_000)).toBe(30_000);
  expect(retryDelayMs(9, 0, 30_000)).toBe(256_000);
  expect(retryDelayMs(1, 0, Number.POSITIVE_INFINITY)).toBe(3_600_000);
});

it.each([
  ['120', 120_000],
  ['0', 0],
  ['Thu, 01 Jan 2026 00:01:30 GMT', 90_000],
  ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
  ['-5', undefined],
  ['soon', undefined],
  ['soon GMT', undefined],
  [null, undefined],
])('reads the Retry-After %s as %s', (value, wishMs) => {
  expect(parseRetryAfter(value, now)).toBe(wishMs);
});
