import { findMatch, matchText } from '../provider/matcher.ts';
import type { Matcher } from '../provider/matcher.ts';

/**
 * Tells whether a value on a screen is whole. Rows that the terminal wraps arrive joined, but some CLIs break a long
 * URL or token themselves, at the width they believe in, and the first row alone still looks like a whole value.
 */

/** What pads a row, or frames it: white space and the border of a box. */
const FILLING = String.raw`[\s|\u2500-\u257f]*`;
const onlyFilling = new RegExp(`^${FILLING}$`);
const nextRow = new RegExp(`^${FILLING}([^\\s|\\u2500-\\u257f]*)(.*)$`);

/**
 * Whether the row below goes on with the value that ends at `end`. Rows are separated by line feeds. A row that has
 * what the manifest expects after the value does not.
 */
export function continuesBelow(text: string, value: string, end: number, expected?: Matcher): boolean {
  const rowEnd = text.indexOf('\n', end);
  if (rowEnd < 0 || !onlyFilling.test(text.slice(end, rowEnd))) return false;
  const below = text.slice(rowEnd + 1).split('\n', 1)[0] ?? '';
  if (expected && matchText(expected, below) !== undefined) return false;
  const [, word = '', rest = ''] = nextRow.exec(below) ?? [];
  if (!alphabetOf(value).test(word) || /^https?:\/\//.test(word)) return false;
  // A sentence may start with a word of the same letters; a part of a value looks like none.
  return onlyFilling.test(rest) || /[=&%_]|[A-Za-z]\d|\d[A-Za-z]|.{20}/.test(word);
}

/** Like `matchText`, but a value that its CLI has broken over several rows does not match. */
export function matchWhole(matcher: Matcher, text: string, expected?: Matcher): string | undefined {
  const found = findMatch(matcher, text);
  if (!found) return undefined;
  const { value, end } = found;
  return end !== undefined && continuesBelow(text, value, end, expected) ? undefined : value;
}

/** What the rest of a value is written in: the characters of a URL, or the kinds of characters that the value has. */
function alphabetOf(value: string): RegExp {
  if (value.startsWith('https://')) return /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
  const upper = /[A-Z]/.test(value) ? 'A-Z' : '';
  const lower = /[a-z]/.test(value) ? 'a-z' : '';
  const signs = [...new Set(value.match(/[^A-Za-z0-9\s]/g))].map((sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
  return new RegExp(`^[${upper}${lower}0-9_\\-${signs.join('')}]+$`, 'u');
}
