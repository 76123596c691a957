import { bootstrapInterval, judge, median } from './statistics.ts';
import type { Interval, Limit, Verdict } from './statistics.ts';
import type { World } from './support/world.ts';

/** One measurement of the product, in a separate file. */
export interface Bench {
  /** What one asks for on the command line. */
  readonly name: string;
  /** Takes a quarter of an hour and more: it is run when it is asked for by its name. */
  readonly isLong?: boolean;
  /** What outlives the measurement is deferred to `leftovers`, which also ends it where the bench is interrupted. */
  run(world: World, pairs: number, leftovers: AsyncDisposableStack): Promise<readonly Finding[]>;
}

/** What a bench found. `samples` is what is judged: differences, ratios, or plain values. */
export interface Finding {
  readonly title: string;
  readonly kind: 'difference' | 'ratio' | 'value';
  readonly unit: 'ms' | 'MB' | 'a second';
  readonly samples: readonly number[];
  /** The two sides of each pair, where there is something to compare with. */
  readonly pairs?: readonly Pair[];
  readonly limit?: number;
}

export interface Pair {
  readonly ours: number;
  readonly bare: number;
}

export interface JudgedFinding extends Finding {
  readonly median: number;
  readonly interval: Interval;
  readonly verdict: Verdict;
}

export function judgeFinding(finding: Finding): JudgedFinding {
  if (!finding.samples.every(Number.isFinite))
    throw new Error(`${finding.title} was not measured: ${finding.samples.join(', ')}`);
  const interval = bootstrapInterval(finding.samples);
  const verdict = judge(interval, finding.samples.length, limitOf(finding));
  return { ...finding, median: median(finding.samples), interval, verdict };
}

function limitOf({ kind, limit }: Finding): Limit | undefined {
  return limit === undefined
    ? undefined
    : { most: limit, allowance: kind === 'ratio' && limit > 1 ? limit - 1 : Math.abs(limit) };
}

/** Measures the two in turn, and begins with the other one each time: what drifts hits both. */
export async function alternate<Ours, Bare>(
  pairs: number,
  sides: { readonly ours: () => Promise<Ours>; readonly bare: () => Promise<Bare> },
): Promise<readonly { readonly ours: Ours; readonly bare: Bare }[]> {
  // The first start of anything reads it from disk.
  await sides.ours();
  await sides.bare();
  const measured: { ours: Ours; bare: Bare }[] = [];
  for (let round = 0; round < pairs; round += 1) {
    if (round % 2 === 0) {
      const ours = await sides.ours();
      measured.push({ ours, bare: await sides.bare() });
    } else {
      const bare = await sides.bare();
      measured.push({ ours: await sides.ours(), bare });
    }
  }
  return measured;
}

export function differences(pairs: readonly Pair[]): readonly number[] {
  return pairs.map(({ ours, bare }) => ours - bare);
}
