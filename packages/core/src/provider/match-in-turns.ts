import { nextTurn } from '../base/clock.ts';
import { findMatch, stepsOf } from './matcher.ts';
import type { Matcher } from './matcher.ts';
import { patternLimits } from './pattern.ts';

/** Whether any of the matchers finds what it looks for. */
export type MatchesAny = (matchers: readonly Matcher[], text: string) => Promise<boolean>;

/**
 * Looks in what machines print for what manifests describe, without holding the event loop: what is matched in one turn of
 * it takes about as long as the slowest single match may. All lines of all machines share these turns, in order.
 */
export function createMatchesAny(waitForTurn: () => Promise<void> = nextTurn): MatchesAny {
  let left: number = patternLimits.steps;
  let waiting = 0;
  let last = Promise.resolve();

  const enterAfter = async (before: Promise<void>, steps: number): Promise<void> => {
    await before;
    if (steps > left) {
      await waitForTurn();
      left = patternLimits.steps;
    }
    left -= steps;
    waiting -= 1;
  };

  /** Resolves when there is room for so many steps in the present turn. */
  const enter = (steps: number): Promise<void> | undefined => {
    if (waiting === 0 && steps <= left) {
      left -= steps;
      return undefined;
    }
    waiting += 1;
    last = enterAfter(last, steps);
    return last;
  };

  return async (matchers, text) => {
    for (const matcher of matchers) {
      await enter(stepsOf(matcher, text));
      if (findMatch(matcher, text)) return true;
    }
    return false;
  };
}

/** One for all: they share the event loop. */
export const matchesAny = createMatchesAny();
