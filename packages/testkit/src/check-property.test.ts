import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { checkProperty } from './check-property.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The examples that a property is given. */
async function examplesOf(runs: number, fuzzRuns = runs): Promise<readonly number[]> {
  const examples: number[] = [];
  await checkProperty(
    fc.property(fc.integer(), (value) => void examples.push(value)),
    { runs, fuzzRuns },
  );
  return examples;
}

describe('checking a property', () => {
  it('tries the same examples in every run of the gate', async () => {
    vi.stubEnv('SALLYPORT_FUZZ_SEED', undefined);
    const examples = await examplesOf(60);
    expect(examples).toHaveLength(60);
    expect(await examplesOf(60)).toEqual(examples);
  });

  it('tries those of one other seed when asked to', async () => {
    const examples = await examplesOf(60);
    vi.stubEnv('SALLYPORT_FUZZ_SEED', '-7');
    const others = await examplesOf(60);
    expect(others).toHaveLength(60);
    expect(others).not.toEqual(examples);
    expect(await examplesOf(60)).toEqual(others);
  });

  it('tries more of them when asked for a seed, where the property says how many', async () => {
    vi.stubEnv('SALLYPORT_FUZZ_SEED', undefined);
    expect(await examplesOf(60, 500)).toHaveLength(60);
    vi.stubEnv('SALLYPORT_FUZZ_SEED', '7');
    expect(await examplesOf(60, 500)).toHaveLength(500);
  });

  it.each([
    ['throws', () => false],
    ['rejects', async () => Promise.reject(new Error('no'))],
  ])('names the seed of a property that %s', async (_, holds) => {
    vi.stubEnv('SALLYPORT_FUZZ_SEED', '4711');
    await expect(
      checkProperty(
        fc.asyncProperty(fc.nat(), async () => holds()),
        { runs: 10 },
      ),
    ).rejects.toThrow(/SALLYPORT_FUZZ_SEED=4711.*seed: 4711, path:/s);
  });

  it('refuses a seed that is not a whole number', async () => {
    vi.stubEnv('SALLYPORT_FUZZ_SEED', 'random');
    await expect(examplesOf(1)).rejects.toThrow('not a whole number');
  });
});
