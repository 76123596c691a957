/** The arithmetic of the benches: pure, and the same samples always give the same answer. */

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** `reported`: there is no limit. `NOISY` is not a pass: this run cannot tell. */
export type Verdict = 'holds' | 'EXCEEDED' | 'NOISY' | 'reported';

/** Fewer samples than this say nothing about a limit. */
export const FEWEST_SAMPLES = 15;

export function median(samples: readonly number[]): number {
  return quantile(
    samples.toSorted((one, other) => one - other),
    0.5,
  );
}

/**
 * 95 % interval of the median by the percentile bootstrap (Efron 1979): the median of many samples drawn from the
 * sample, with replacement. The draws are seeded.
 */
export function bootstrapInterval(samples: readonly number[], { resamples = 10_000, seed = 1 } = {}): Interval {
  const random = seededRandom(seed);
  const medians = Array.from({ length: resamples }, () =>
    median(samples.map(() => samples[Math.floor(random() * samples.length)] ?? Number.NaN)),
  ).toSorted((one, other) => one - other);
  return { lower: quantile(medians, 0.025), upper: quantile(medians, 0.975) };
}

export interface Limit {
  readonly most: number;
  /** How much the limit leaves for our own work: itself for a difference, what is over 1 for a ratio. */
  readonly allowance: number;
}

/**
 * A limit is exceeded when the whole interval is over it, and holds when its lower end is under it; unless the
 * interval lies across the limit and is wider than half the allowance, for then it says too little.
 */
export function judge(interval: Interval, samples: number, limit: Limit | undefined): Verdict {
  if (limit === undefined) return 'reported';
  if (samples < FEWEST_SAMPLES) return 'NOISY';
  if (interval.lower >= limit.most) return 'EXCEEDED';
  if (interval.upper < limit.most) return 'holds';
  return interval.upper - interval.lower > limit.allowance / 2 ? 'NOISY' : 'holds';
}

/** Of samples in rising order. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const at = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Mulberry32, a generator of 32 bits of state: good enough to draw samples, and always the same. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
