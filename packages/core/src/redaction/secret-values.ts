import type { CredentialFiles } from '../contracts/credential-files.ts';
import type { CredentialFileItem, CredentialItem } from '../provider/credential-item.ts';
import { parseCredentialText } from '../credentials/parse-credential-text.ts';
import { pointsTo } from '../provider/required-value.ts';
import { secretNames } from './named-values.ts';
import { isNamedSecret, isPublic, secretsInText, SHORTEST_SECRET } from './secrets-in-text.ts';
import { tokensIn } from './secret-shapes.ts';

/** A longer value is looked for in parts of this many characters. */
const LONGEST = 4 * 1024;

/**
 * Returns the values in a credential that must not be shown: those of variables; in a JSON file the strings that
 * `require` names or whose key says that they are secret, and tokens of the known vendors; in any other file what
 * `secretsInText` finds. Each has at least 8 characters, and is there as JSON writes it too.
 */
export function secretValues(items: readonly CredentialItem[], files: CredentialFiles): ReadonlySet<string> {
  const values = items.flatMap((item) => {
    const text = files[item.id];
    if (text === undefined) return [];
    if (item.as === 'environment') return [text];
    return item.role === 'secret' ? valuesInFile(item, text) : [];
  });
  const long = values.map((value) => value.trim()).filter((value) => value.length >= SHORTEST_SECRET);
  return new Set(long.flatMap(spellings).flatMap(partsOf));
}

function valuesInFile(item: CredentialFileItem, text: string): readonly string[] {
  const { require } = item;
  const parsed = parseCredentialText(item, text);
  if (parsed === undefined) return [text, ...secretsInText(text)];
  return stringsIn(parsed, [], '').flatMap(({ keys, name, value }) => {
    const isRequired = require.some((pointer) => pointsTo(pointer, keys)) && !isPublic(value);
    return isNamedSecret(name, value) || (isRequired && !secretNames.test(name)) ? [value] : tokensIn(value);
  });
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

/** A tool's input is shown as JSON. */
function spellings(value: string): readonly string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  return inJson === value ? [value] : [value, inJson];
}

function partsOf(value: string): readonly string[] {
  const parts: string[] = [];
  for (let at = 0; at < value.length; at += LONGEST) parts.push(value.slice(at, at + LONGEST));
  return parts.filter(({ length }) => length >= SHORTEST_SECRET);
}
