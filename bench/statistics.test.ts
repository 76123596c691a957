import { describe, expect, it } from 'vitest';

import { bootstrapInterval, judge, median } from './statistics.ts';

const limit = { most: 40, allowance: 40 };

describe('the median', () => {
  it('is the middle, or half way between the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 9, 6])).toBe(5);
  });

  it('does not follow an outlier', () => {
    expect(median([10, 11, 12, 13, 9_000])).toBe(12);
  });
});

describe('the bootstrap interval', () => {
  const samples = Array.from({ length: 15 }, (_, index) => index);

  it('contains the median and stays within the samples', () => {
    const { lower, upper } = bootstrapInterval(samples);
    expect(lower).toBeGreaterThan(0);
    expect(lower).toBeLessThan(7);
    expect(upper).toBeGreaterThan(7);
    expect(upper).toBeLessThan(14);
  });

  it('is the same for the same samples, and another for another seed', () => {
    expect(bootstrapInterval(samples, { resamples: 200 })).toEqual(bootstrapInterval(samples, { resamples: 200 }));
    const spread = samples.map((value) => value ** 2.5);
    expect(bootstrapInterval(spread, { resamples: 50, seed: 1 })).not.toEqual(
      bootstrapInterval(spread, { resamples: 50, seed: 2 }),
    );
  });

  it('has no width where all samples are equal', () => {
    expect(bootstrapInterval([3, 3, 3, 3])).toEqual({ lower: 3, upper: 3 });
  });

  it('covers the true median about as often as it says', () => {
    // Samples of a known distribution: a sine run through at steps that never repeat, with the median 0.
    const covered = Array.from({ length: 200 }, (_, round) => {
      const drawn = Array.from({ length: 25 }, (__, index) => Math.sin((round * 25 + index) ** 2 * 1.618));
      const { lower, upper } = bootstrapInterval(drawn, { resamples: 300 });
      return lower <= 0 && upper >= 0;
    });
    expect(covered.filter(Boolean).length).toBeGreaterThan(175);
  });
});

describe('the verdict', () => {
  it('is reported where there is no limit', () => {
    expect(judge({ lower: 1, upper: 2 }, 15, undefined)).toBe('reported');
  });

  it('holds under the limit and is exceeded over it', () => {
    expect(judge({ lower: 10, upper: 39 }, 15, limit)).toBe('holds');
    expect(judge({ lower: 41, upper: 60 }, 15, limit)).toBe('EXCEEDED');
    expect(judge({ lower: 40, upper: 41 }, 15, limit)).toBe('EXCEEDED');
  });

  it('holds across the limit while the interval is narrower than half of what the limit allows', () => {
    expect(judge({ lower: 31, upper: 50 }, 15, limit)).toBe('holds');
  });

  it('is noisy, not a pass, when the interval is too wide to tell or the samples are too few', () => {
    expect(judge({ lower: 20, upper: 41 }, 15, limit)).toBe('NOISY');
    expect(judge({ lower: 10, upper: 39 }, 14, limit)).toBe('NOISY');
  });

  it('measures the width for a ratio by what is over 1', () => {
    expect(judge({ lower: 1.3, upper: 1.6 }, 15, { most: 1.5, allowance: 0.5 })).toBe('NOISY');
    expect(judge({ lower: 1.4, upper: 1.6 }, 15, { most: 1.5, allowance: 0.5 })).toBe('holds');
  });
});
