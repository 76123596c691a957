import type { Release } from '@sallyport/machines';
import { describe, expect, it } from 'vitest';

import { chooseReleases } from './choose-releases.ts';

const NOW = Date.UTC(2026, 5, 1);
const daysAgo = (days: number): number => NOW - days * 24 * 60 * 60_000;
const release = (version: string, age?: number): Release => ({
  version,
  publishedAt: age === undefined ? undefined : daysAgo(age),
});

const releases = [
  release('0.9.0', 200),
  // A registry may have got an old version late.
  release('1.0.0', 10),
  release('1.1.0', 91),
  release('1.2.0', 90),
  release('1.3.0', 40),
  release('1.4.0', 1),
];

describe('the releases to verify', () => {
  it('are the newest, newest first', () => {
    expect(chooseReleases(releases, { latest: 2 }, NOW)).toEqual(['1.4.0', '1.3.0']);
    expect(chooseReleases(releases, { latest: 99 }, NOW)).toHaveLength(releases.length);
  });

  it('and the oldest of those published within some days, without a gap up to the newest', () => {
    expect(chooseReleases(releases, { latest: 1, oldestWithinDays: 90 }, NOW)).toEqual(['1.4.0', '1.2.0']);
    expect(chooseReleases(releases, { latest: 1, oldestWithinDays: 1 }, NOW)).toEqual(['1.4.0']);
    expect(chooseReleases(releases, { latest: 1, oldestWithinDays: 365 }, NOW)).toEqual(['1.4.0', '0.9.0']);
  });

  it('leave that one out where none is so new, or the registry gives no times', () => {
    const old = releases.slice(0, 1);
    expect(chooseReleases(old, { latest: 1, oldestWithinDays: 90 }, NOW)).toEqual(['0.9.0']);
    const undated = releases.map(({ version }) => release(version));
    expect(chooseReleases(undated, { latest: 1, oldestWithinDays: 90 }, NOW)).toEqual(['1.4.0']);
  });

  it('and those that are named, each once', () => {
    const also = ['0.9.0', '1.4.0', '0.0.1'];
    expect(chooseReleases(releases, { latest: 1, also }, NOW)).toEqual(['1.4.0', '0.9.0', '0.0.1']);
  });
});
