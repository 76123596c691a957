import { describe, expect, it } from 'vitest';

import { createMatchesAny } from './match-in-turns.ts';
import { stepsOf } from './matcher.ts';
import type { Matcher } from './matcher.ts';
import { patternLimits } from './pattern.ts';

/** Each costs about all the steps of a turn on a long line. */
const costly: readonly Matcher[] = Array.from({ length: 5 }, (_, index) => ({
  pattern: `(?:a?){100}${index}$`,
}));
const line = 'a'.repeat(8000);
const cheap: readonly Matcher[] = [{ text: 'b' }];

function createCounted() {
  let turns = 0;
  const matchesAny = createMatchesAny(async () => void (turns += 1));
  return { matchesAny, countTurns: () => turns };
}

describe('matching in turns', () => {
  it('finds what any of the matchers looks for', async () => {
    const matchesAny = createMatchesAny();
    expect(await matchesAny([...costly, { text: 'needle' }], `${line} needle`)).toBe(true);
    expect(await matchesAny(costly, `${line}3`)).toBe(true);
    expect(await matchesAny(costly, line)).toBe(false);
    expect(await matchesAny([], line)).toBe(false);
  });

  it('waits for no turn as long as one has room', async () => {
    const { matchesAny, countTurns } = createCounted();
    for (let count = 0; count < 100; count += 1) expect(await matchesAny(cheap, 'a few words')).toBe(false);
    expect(countTurns()).toBe(0);
  });

  it('does no more in one turn than the slowest single match may take', async () => {
    const { matchesAny, countTurns } = createCounted();
    await matchesAny(costly, line);
    const steps = costly.reduce((sum, matcher) => sum + stepsOf(matcher, line), 0);
    expect(steps).toBeGreaterThan(3 * patternLimits.steps);
    // The first turn is the one that it was called in.
    expect(countTurns() + 1).toBeGreaterThanOrEqual(steps / patternLimits.steps);
  });

  it('lets everybody have a turn, in the order in which they came', async () => {
    const { matchesAny } = createCounted();
    const ended: string[] = [];
    const ask = (name: string, matchers: readonly Matcher[]) => matchesAny(matchers, line).then(() => ended.push(name));
    await Promise.all([ask('costly', costly), ask('less costly', costly.slice(0, 2)), ask('cheap', cheap)]);
    expect(ended).toEqual(['cheap', 'less costly', 'costly']);
  });
});
