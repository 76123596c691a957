import { findMatch, matchText } from '../provider/matcher.ts';
import type { Matcher } from '../provider/matcher.ts';

/**
 * Tells whether a value on a screen is whole. Rows that the terminal wraps arrive joined, but some CLIs break a long
 * URL or token themselves, at the width they believe in, and the first row alone still looks like a whole value.
 */

/** Signs that are in no value: of boxes, bars, quotes, lists and arrows. */
const SIGNS = String.raw`|>\u2010-\u2bff`;
/** What pads a row, or frames it: white space, those signs, and any other that stands alone and no value ends with. */
const FILLING = String.raw`(?:[\s${SIGNS}]|(?<=^|\s)(?:[\ud800-\udbff][\udc00-\udfff]|[^\sA-Za-z0-9_\-=&%./${SIGNS}])\ufe0f?(?=\s|$))*`;
const onlyFilling = new RegExp(`^${FILLING}$`);
const nextRow = new RegExp(`^${FILLING}([^\\s${SIGNS}]*)(.*)$`);

/** The edge of a box in ASCII, or a rule: their signs may be in a value too. */
const edge = /^\s*(?:[+*#.,'`][-=_~*#+]{3,}[+*#.,'`]|([-=_~*#])\1{7,})\s*$/;

/**
 * Whether the row below goes on with the value that ends at `end`. Rows are separated by line feeds. A row that has
 * what the manifest expects after the value does not.
 */
export function continuesBelow(text: string, value: string, end: number, expected?: Matcher): boolean {
  const rowEnd = text.indexOf('\n', end);
  if (rowEnd < 0 || !onlyFilling.test(text.slice(end, rowEnd))) return false;
  const below = text.slice(rowEnd + 1).split('\n', 1)[0] ?? '';
  if ((expected && matchText(expected, below) !== undefined) || edge.test(below)) return false;
  if (onlyFilling.test(below)) return goesOnBehindGap(text.slice(rowEnd + 1), value, expected);
  const [, word = '', rest = ''] = nextRow.exec(below) ?? [];
  if (!alphabetOf(value).test(word) || /^https?:\/\//.test(word)) return false;
  return onlyFilling.test(rest) || looksLikePart(word);
}

/**
 * Whether the value goes on behind rows without text, as where each row ends twice. A code often stands below a link, so only
 * what no code looks like counts.
 */
function goesOnBehindGap(text: string, value: string, expected: Matcher | undefined): boolean {
  const row = text.split('\n', MOST_GAP + 1).find((line) => !onlyFilling.test(line)) ?? '';
  if (expected && matchText(expected, row) !== undefined) return false;
  const [, word = '', rest = ''] = nextRow.exec(row) ?? [];
  if (!alphabetOf(value).test(word) || /^https?:\/\//.test(word)) return false;
  return onlyFilling.test(rest) && /[=&%]|.{20}/.test(word);
}

/** Rows without text between two parts of a value. */
const MOST_GAP = 2;

export interface WholeValue {
  readonly value: string;
  /** Where the text goes on behind it. */
  readonly end: number;
}

/**
 * The value that ends at `end`, put together from the rows over which its CLI has broken it; `undefined` where that is not
 * certain. Every row but the last one is full, to the same column, and each holds a part of the value and nothing else.
 * With one full row the last part must look like no word: only two show that the CLI wraps at that column.
 */
export function joinRows(text: string, value: string, end: number, expected?: Matcher): WholeValue | undefined {
  const alphabet = alphabetOf(value);
  const width = end - (text.lastIndexOf('\n', end - 1) + 1);
  let whole: WholeValue = { value, end };
  for (let full = 1; ; full += 1) {
    const next = partBelow(text, whole.end, alphabet, expected);
    if (next !== undefined && next.column > width) return undefined;
    if (next !== undefined) whole = { value: whole.value + next.part, end: next.end };
    if (next?.column === width) continue;
    // What follows must not look like a further part that is set out in another way.
    const isCertain = full > 1 || (next !== undefined && looksLikePart(next.part));
    return isCertain && !continuesBelow(text, value, whole.end, expected) ? whole : undefined;
  }
}

/** A sentence may start with a word of the same letters; a part of a value looks like none. */
function looksLikePart(word: string): boolean {
  return /[=&%_]|[A-Za-z]\d|\d[A-Za-z]|.{20}|^\d+$/.test(word);
}

/** The part of a value in the row below, where it ends in its row, and in the text. */
function partBelow(
  text: string,
  end: number,
  alphabet: RegExp,
  expected: Matcher | undefined,
): { readonly part: string; readonly column: number; readonly end: number } | undefined {
  const rowEnd = text.indexOf('\n', end);
  if (rowEnd < 0 || !onlyFilling.test(text.slice(end, rowEnd))) return undefined;
  const below = text.slice(rowEnd + 1).split('\n', 1)[0] ?? '';
  if ((expected && matchText(expected, below) !== undefined) || edge.test(below)) return undefined;
  const [, part = '', rest = ''] = nextRow.exec(below) ?? [];
  if (part === '' || !alphabet.test(part) || /^https?:\/\//.test(part) || !onlyFilling.test(rest)) return undefined;
  const column = below.indexOf(part) + part.length;
  return { part, column, end: rowEnd + 1 + column };
}

/** Like `matchText`, but a value that its CLI has broken over several rows matches whole or not at all. */
export function matchWhole(matcher: Matcher, text: string, expected?: Matcher): string | undefined {
  const found = findMatch(matcher, text);
  if (!found) return undefined;
  const { value, end } = found;
  if (end === undefined || !continuesBelow(text, value, end, expected)) return value;
  const joined = joinRows(text, value, end, expected);
  if (!joined) return undefined;
  const unbroken = text.slice(0, end - value.length) + joined.value + text.slice(joined.end);
  return matchText(matcher, unbroken) === joined.value ? joined.value : undefined;
}

/** What the rest of a value is written in: the characters of a URL, or the kinds of characters that the value has. */
function alphabetOf(value: string): RegExp {
  if (value.startsWith('https://')) return /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/;
  const upper = /[A-Z]/.test(value) ? 'A-Z' : '';
  const lower = /[a-z]/.test(value) ? 'a-z' : '';
  const signs = [...new Set(value.match(/[^A-Za-z0-9\s]/g))].map((sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
  return new RegExp(`^[${upper}${lower}0-9_\\-${signs.join('')}]+$`, 'u');
}
