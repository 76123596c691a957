import { RE2JS } from 're2js';

import { estimateStates } from './pattern-size.ts';

/**
 * What a pattern of a manifest may cost. RE2 is linear in the text, but each character costs up to as many steps as
 * the compiled program has states, and counted repetitions multiply those: `((a?){30}){30}` has 3,662 in 14 characters.
 */
export const patternLimits = {
  /** Characters of one pattern. */
  length: 500,
  /** States of one compiled pattern. The largest of the bundled providers has 147. */
  states: 250,
  /** Capture groups of one pattern: the engine copies all their positions from state to state. */
  groups: 10,
  /** Patterns of one manifest. Codex has 57. */
  patterns: 100,
  /** States of all patterns of a manifest, so the most steps that one character of a text costs. Codex has 3,443. */
  totalStates: 6000,
  /**
   * Steps of one match: states times characters of text. The slowest pattern found within the limits, `(?:\pL?){123}$`
   * on 4,016 letters, took 42 to 51 ms on a busy 2-core host: about 20 million steps a second.
   */
  steps: 1_000_000,
} as const;

/** The most that is kept compiled. No deployment has this many; a program that checks manifests all day might. */
const MOST_COMPILED = 2000;

const compiled = new Map<string, RE2JS>();

/** Compiles a pattern. Throws an error whose message completes "the pattern …" for one that is not RE2 or too large. */
export function compilePattern(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known) return known;
  if (pattern.length > patternLimits.length) throw tooLarge(`${pattern.length} characters`, patternLimits.length);
  // Compiling is linear in the states, of which a short pattern can have hundreds of thousands: look before.
  const estimate = estimateStates(pattern);
  if (estimate > 4 * patternLimits.states) throw tooLarge(`about ${estimate} states`, patternLimits.states);
  const expression = compileAny(pattern);
  const states = expression.programSize();
  if (states > patternLimits.states) throw tooLarge(`${states} states`, patternLimits.states);
  const groups = expression.groupCount();
  if (groups > patternLimits.groups) throw tooLarge(`${groups} capture groups`, patternLimits.groups);
  if (compiled.size >= MOST_COMPILED) compiled.clear();
  compiled.set(pattern, expression);
  return expression;
}

/** The number of states of a compiled pattern. One match takes at most this many steps for each character of the text. */
export function patternStates(pattern: string): number {
  return compilePattern(pattern).programSize();
}

/** How many characters of a text a pattern is matched against, counted from the end of the text. */
export function matchedLength(states: number): number {
  return Math.floor(patternLimits.steps / Math.max(states, 1));
}

function compileAny(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.MULTILINE);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`is not an RE2 pattern (${reason}). RE2 has no look-around and no back-references.`, {
      cause: error,
    });
  }
}

function tooLarge(found: string, limit: number): Error {
  return new Error(`is too large: it has ${found}, and at most ${limit} are allowed. Use smaller repetition counts.`);
}
