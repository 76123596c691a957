import { RE2JS } from 're2js';
import { z } from 'zod';

/**
 * How a manifest says "this text was seen". Patterns are RE2 syntax, matched in time linear in the
 * text (https://github.com/google/re2/wiki/Syntax): a manifest may come from an author nobody trusts, and a
 * backtracking engine would let its pattern stop the process. No look-around, no back-references.
 */
export const matcherSchema = z.union([
  z.strictObject({
    /** Literal text that must occur. Runs of white space match any run of white space. */
    text: z.string().min(1).max(500),
  }),
  z.strictObject({
    /** RE2 pattern, case-sensitive, `^` and `$` match at line ends. */
    pattern: z
      .string()
      .min(1)
      .max(500)
      .check((context) => {
        try {
          compile(context.value);
        } catch (error) {
          context.issues.push({
            code: 'custom',
            input: context.value,
            message: `is not an RE2 pattern (${error instanceof Error ? error.message : String(error)}). RE2 has no look-around and no back-references.`,
          });
        }
      }),
  }),
]);

export type Matcher = z.infer<typeof matcherSchema>;

/** The longest text a matcher looks at, counted from its end: a screen, a line, a message. */
const LONGEST_TEXT = 64 * 1024;

const compiled = new Map<string, RE2JS>();

function compile(pattern: string): RE2JS {
  let expression = compiled.get(pattern);
  if (!expression) {
    expression = RE2JS.compile(pattern, RE2JS.MULTILINE);
    compiled.set(pattern, expression);
  }
  return expression;
}

/** The first capture group, or the whole match, or `undefined` where the text does not match. */
export function matchText(matcher: Matcher, text: string): string | undefined {
  const tail = text.length > LONGEST_TEXT ? text.slice(-LONGEST_TEXT) : text;
  if ('text' in matcher) {
    return collapse(tail).includes(collapse(matcher.text)) ? matcher.text : undefined;
  }
  const found = compile(matcher.pattern).matcher(tail);
  if (!found.find()) return undefined;
  return (found.groupCount() > 0 ? found.group(1) : found.group()) ?? found.group() ?? undefined;
}

/** How large a pattern's automaton is. RE2 spends at most this many steps on each character of the text. */
export function patternStates(pattern: string): number {
  return compile(pattern).programSize();
}

/** The last long text: a login asks a dozen matchers about the same screen. */
let collapsed = { text: '', result: '' };

function collapse(text: string): string {
  if (text.length > 500 && text === collapsed.text) return collapsed.result;
  const result = text.replace(/\s+/g, ' ');
  if (text.length > 500) collapsed = { text, result };
  return result;
}
