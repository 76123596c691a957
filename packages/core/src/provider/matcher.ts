import { z } from 'zod';

import { compilePattern, matchedLength, patternLimits, patternStates } from './pattern.ts';

/**
 * How a manifest says "this text was seen". Patterns are RE2 syntax, matched in time linear in the
 * text (https://github.com/google/re2/wiki/Syntax): a manifest may come from an author nobody trusts, and a
 * backtracking engine would let its pattern stop the process. No look-around, no back-references, and no larger than
 * {@link patternLimits} allows.
 */
export const matcherSchema = z
  .union([
    z.strictObject({
      text: z
        .string()
        .min(1)
        .max(500)
        .describe('Literal text that must occur, case-sensitive. A run of white space matches any other.'),
    }),
    z.strictObject({
      pattern: z
        .string()
        .min(1)
        .max(patternLimits.length)
        .check((context) => {
          try {
            compilePattern(context.value);
          } catch (error) {
            context.issues.push({
              code: 'custom',
              input: context.value,
              message: error instanceof Error ? error.message : String(error),
            });
          }
        })
        .describe(
          `RE2 pattern, case-sensitive; \`^\` and \`$\` match at line ends. No look-around and no back-references. Where a value is taken, it is the first capture group, or the whole match. At most ${patternLimits.states} states and ${patternLimits.groups} capture groups; at most ${patternLimits.patterns} patterns and ${patternLimits.totalStates} states in a manifest.`,
        ),
    }),
  ])
  .meta({
    id: 'Matcher',
    description:
      'Says that a text was seen, and with a pattern, which part of it is the value. Only the last 64 KiB of a text are looked at.',
  });

export type Matcher = z.infer<typeof matcherSchema>;

const MOST_COUNTED = 100;

/** The longest text a matcher looks at, counted from its end: a screen, a line, a message. */
const LONGEST_TEXT = 64 * 1024;

/** The first capture group, or the whole match, or `undefined` where the text does not match. */
export function matchText(matcher: Matcher, text: string): string | undefined {
  return findMatch(matcher, text)?.value;
}

/** What {@link matchText} returns, and where in the text a pattern's value ends. */
export function findMatch(
  matcher: Matcher,
  text: string,
): { readonly value: string; readonly end: number | undefined } | undefined {
  if ('text' in matcher) {
    const tail = text.length > LONGEST_TEXT ? text.slice(-LONGEST_TEXT) : text;
    return collapse(tail).includes(collapse(matcher.text)) ? { value: matcher.text, end: undefined } : undefined;
  }
  const expression = compilePattern(matcher.pattern);
  const length = Math.min(LONGEST_TEXT, matchedLength(expression.programSize()));
  // One character more, which is not matched: it tells whether a line or a word begins where the rest was cut off.
  const tail = text.length > length ? text.slice(-length - 1) : text;
  const found = expression.matcher(tail);
  if (!found.find(tail.length > length ? 1 : 0)) return undefined;
  const captured = found.groupCount() > 0 ? found.group(1) : null;
  const value = captured ?? found.group();
  return value === null ? undefined : { value, end: text.length - tail.length + found.end(captured === null ? 0 : 1) };
}

/** The most steps that looking for it in this text may take; see `patternLimits.steps`. */
export function stepsOf(matcher: Matcher, text: string): number {
  const length = Math.min(text.length, LONGEST_TEXT);
  if ('text' in matcher) return length;
  const states = patternStates(matcher.pattern);
  return states * Math.min(length, matchedLength(states));
}

/** How often a text shows what the matcher looks for. Of a pattern, only the first hundred are counted. */
export function countMatches(matcher: Matcher, text: string): number {
  if ('text' in matcher) return collapse(text.slice(-LONGEST_TEXT)).split(collapse(matcher.text)).length - 1;
  let count = 0;
  for (let left = text, found = findMatch(matcher, left); found?.end && count < MOST_COUNTED; count++) {
    left = left.slice(found.end);
    found = findMatch(matcher, left);
  }
  return count;
}

/** What is wrong with the patterns of a manifest taken together; `undefined` if nothing is. */
export function problemOfPatterns(manifest: unknown): string | undefined {
  const patterns = patternsIn(manifest);
  if (patterns.length > patternLimits.patterns) {
    return `has ${patterns.length} patterns, and at most ${patternLimits.patterns} are allowed`;
  }
  const states = patterns.reduce((sum, pattern) => sum + compilePattern(pattern).programSize(), 0);
  return states > patternLimits.totalStates
    ? `has patterns with ${states} states altogether, and at most ${patternLimits.totalStates} are allowed`
    : undefined;
}

/** The patterns of a manifest, with repetitions, wherever they are. */
function patternsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const matcher = matcherSchema.safeParse(value);
  if (matcher.success) return 'pattern' in matcher.data ? [matcher.data.pattern] : [];
  return Object.values(value).flatMap(patternsIn);
}

/** The last long text: a login asks a dozen matchers about the same screen. */
let collapsed = { text: '', result: '' };

function collapse(text: string): string {
  if (text.length > 500 && text === collapsed.text) return collapsed.result;
  const result = text.replace(/\s+/g, ' ');
  if (text.length > 500) collapsed = { text, result };
  return result;
}
