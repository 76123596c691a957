import type { CredentialFiles } from '../contracts/credential-files.ts';
import type { CredentialFileItem, CredentialItem } from '../provider/credential-item.ts';
import { parseCredentialText } from '../credentials/parse-credential-text.ts';
import { pointsTo } from '../provider/required-value.ts';

/** Shorter values are left alone: they occur by accident, and what they open has other faults. In characters. */
const SHORTEST = 8;
/** Shortest word of a text file that counts as a key, in characters. */
const SHORTEST_WORD = 16;
/** A longer value is looked for in parts of this many characters. */
const LONGEST = 4 * 1024;

/** Names that OAuth (RFC 6749), OpenID Connect and the vendors use for what opens an account. */
const secretNames =
  /token|secret|passw|credential|cookie|jwt|assertion|(api|private|session|access)_?-?key|^(access|refresh|key|auth)$/i;

const url = /^[a-z][a-z0-9+.-]*:\/\//i;
/** What may be required beside a secret and is none: URLs, email addresses and UUIDs (RFC 9562). */
const publicShapes = [url, /^[^\s@]+@[^\s@]+\.[^\s@]+$/, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i];

/**
 * Returns the values in a credential that must not be shown: those of variables; in a JSON file the strings that
 * `require` names or whose key says that they are secret; in any other file the words that look like keys. Each has at
 * least 8 characters, and is there as JSON writes it too.
 */
export function secretValues(items: readonly CredentialItem[], files: CredentialFiles): ReadonlySet<string> {
  const values = items.flatMap((item) => {
    const text = files[item.id];
    if (text === undefined) return [];
    if (item.as === 'environment') return [text];
    return item.role === 'secret' ? valuesInFile(item, text) : [];
  });
  const long = values.map((value) => value.trim()).filter((value) => value.length >= SHORTEST);
  return new Set(long.flatMap(spellings).flatMap(partsOf));
}

function valuesInFile(item: CredentialFileItem, text: string): readonly string[] {
  const { require } = item;
  const parsed = parseCredentialText(item, text);
  if (parsed === undefined) return [text, ...keysInText(text)];
  return stringsIn(parsed, [], '')
    .filter(({ keys, name, value }) =>
      secretNames.test(name)
        ? !url.test(value)
        : require.some((pointer) => pointsTo(pointer, keys)) && !publicShapes.some((shape) => shape.test(value)),
    )
    .map(({ value }) => value);
}

interface NamedString {
  /** The keys that lead to it, outermost first. */
  readonly keys: readonly string[];
  /** The nearest key of an object. */
  readonly name: string;
  readonly value: string;
}

/** Every string in a JSON value. */
function stringsIn(value: unknown, keys: readonly string[], name: string): readonly NamedString[] {
  if (typeof value === 'string') return [{ keys, name, value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    stringsIn(inner, [...keys, key], Array.isArray(value) ? name : key),
  );
}

/** Words with letters and digits, in a format that is the vendor's own, such as `token: x` or `TOKEN="x"`. */
function keysInText(text: string): readonly string[] {
  return text
    .split(/[\s"'`=,;<>{}[\]()]+/)
    .filter((word) => word.length >= SHORTEST_WORD && /[A-Za-z]/.test(word) && /[0-9]/.test(word))
    .filter((word) => !publicShapes.some((shape) => shape.test(word)));
}

/** A tool's input is shown as JSON. */
function spellings(value: string): readonly string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  return inJson === value ? [value] : [value, inJson];
}

function partsOf(value: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at < value.length; at += LONGEST) parts.push(value.slice(at, at + LONGEST));
  return parts.filter(({ length }) => length >= SHORTEST);
}
