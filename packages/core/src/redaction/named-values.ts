/** A value in a text, and the name that it has there. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** Names that OAuth (RFC 6749), OpenID Connect and the vendors use for what opens an account. */
export const secretNames =
  /token|secret|passw|credential|cookie|jwt|assertion|(api|private|session|access)_?-?key|^(access|refresh|key|auth)$/i;

/**
 * A name, `:` or `=`, and a value. Each repetition has a limit and the name begins at its first character: the text may
 * come from a hostile machine.
 */
const named = new RegExp(
  [
    String.raw`(?<![\w.-])["']?(?<name>[\w.-]{1,64})["']?[ \t]{0,8}[:=][ \t]{0,8}`,
    // A comment of JSONC, or the sign of a block in YAML and of a long string in TOML, whose text is in the next row.
    String.raw`(?:\/\*[^*\n]{0,200}\*\/[ \t]{0,8})?(?:(?:[|>][+-]?|"""|''')[ \t]{0,8}\r?\n[ \t]{0,80})?`,
    String.raw`(?:"(?<double>[^"\n]{1,8192})|'(?<single>[^'\n]{1,8192})|(?=(?<plain>[^\s"',;#{}[\]]{1,8192}))\k<plain>(?![ \t]{0,8}[:=]))`,
  ].join(''),
  'g',
);

/**
 * Every `name: value` and `name = value` of a text, whatever format it is in: JSON, also with comments or cut off, TOML,
 * YAML, INI and the files of environment variables. Quotes are left out, escapes are kept as they are.
 */
export function namedValuesIn(text: string): readonly NamedValue[] {
  return [...text.matchAll(named)].flatMap(({ groups }) => {
    const name = groups?.['name'] ?? '';
    const value = groups?.['double'] ?? groups?.['single'] ?? groups?.['plain'] ?? '';
    return [{ name, value }, ...namedWithin(value)];
  });
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
