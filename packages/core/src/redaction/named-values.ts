import { scalarAt, valuesAt } from './values-at.ts';

/** A value in a text, and the name that it has there. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** Names that OAuth (RFC 6749), OpenID Connect and the vendors use for what opens an account. */
export const secretNames =
  /token|secret|passw|credential|cookie|jwt|assertion|(api|private|session|access)_?-?key|^(access|refresh|key|auth)$/i;

/**
 * A name, and `:` or `=`. Each repetition has a limit and the name begins at its first character: the text may come from a
 * hostile machine.
 */
const named = new RegExp(
  [
    String.raw`(?<![\w.-])["']?(?<name>[\w.-]{1,64})["']?[ \t]{0,64}`,
    // A comment of JSONC.
    String.raw`(?:\/\*[^*\n]{0,200}\*\/[ \t]{0,64})?[:=]{1,2}>?`,
  ].join(''),
  'g',
);

/**
 * Every `name: value` and `name = value` of a text, whatever format it is in: JSON, also with comments or cut off, TOML,
 * YAML, INI and the files of environment variables. Quotes are left out. A value with escapes is there as it is written
 * and as it is read; of a list each item, and of a text over several lines each line.
 */
export function namedValuesIn(text: string): readonly NamedValue[] {
  const found: NamedValue[] = [];
  let line = -1;
  named.lastIndex = 0;
  for (let match = named.exec(text); match; match = named.exec(text)) {
    const { index, groups } = match;
    const name = groups?.['name'] ?? '';
    const at = named.lastIndex;
    const { values, end } = valuesAt(text, at);
    for (const value of values) found.push({ name, value }, ...namedWithin(value));
    // Once for each line, or a long line would be read as often as it has names.
    if (index >= line) {
      line = endOfLine(text, at);
      const whole = scalarAt(text.slice(at, line));
      if (whole !== undefined && !values.includes(whole)) found.push({ name, value: whole });
    }
    named.lastIndex = end;
  }
  return found;
}

const LONGEST_VALUE = 8192;

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return Math.min(end < 0 ? text.length : end, from + LONGEST_VALUE);
}

const MOST_NAMES = 8;

/** Of `error:token:x`, where the value of one name is the name of another. */
function namedWithin(value: string): readonly NamedValue[] {
  const found: NamedValue[] = [];
  for (let rest = value; found.length < MOST_NAMES;) {
    const inner = /^([\w.-]{1,64})[:=](.+)$/.exec(rest);
    if (!inner) break;
    rest = inner[2] ?? '';
    found.push({ name: inner[1] ?? '', value: rest });
  }
  return found;
}
