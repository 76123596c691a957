import * as fc from 'fast-check';

/** The seeds that every property is checked with, so that only a change of the code can change the outcome. */
const PROPERTY_SEEDS = [1, 2, 3, 5, 8, 326] as const;

/** Environment variable with the one seed to use instead. `npm run fuzz` sets it to a random one. */
const FUZZ_SEED_VARIABLE = 'SALLYPORT_FUZZ_SEED';

export interface PropertyOptions {
  /** How many examples to try, over all seeds. */
  readonly runs: number;
  /** How many under `npm run fuzz`. Default: `runs`. */
  readonly fuzzRuns?: number;
  /** Whether the first failure is reported as it is. Shrinking repeats a property many times, and some are slow. */
  readonly endOnFailure?: boolean;
}

/**
 * Checks a property with each seed of {@link PROPERTY_SEEDS}. Every property test of a conformance suite and of this
 * repository uses this in place of `fc.assert`, so that one command can run all of them with another seed.
 *
 * @throws Error naming the seed of the failure and how to repeat it.
 */
export async function checkProperty<Arguments>(
  property: fc.IRawProperty<Arguments>,
  { runs, fuzzRuns = runs, endOnFailure = false }: PropertyOptions,
): Promise<void> {
  const asked = seedOf(process.env[FUZZ_SEED_VARIABLE]);
  const seeds = asked === undefined ? PROPERTY_SEEDS : [asked];
  const numRuns = asked === undefined ? Math.ceil(runs / seeds.length) : fuzzRuns;
  for (const seed of seeds) {
    try {
      await fc.assert(property, { seed, numRuns, endOnFailure });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`Repeat this with ${FUZZ_SEED_VARIABLE}=${seed}. ${message}`, { cause: error });
    }
  }
}

function seedOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw new TypeError(`${FUZZ_SEED_VARIABLE} is "${text}", which is not a whole number.`);
  return Number(text);
}
