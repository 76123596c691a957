import { namedValuesIn, secretNames } from './named-values.ts';
import { tokensIn } from './secret-shapes.ts';

/** What opens no account by itself, in characters: shorter values occur by accident. */
export const SHORTEST_SECRET = 8;
/** Shortest word that counts as a key by its looks alone. */
const SHORTEST_WORD = 16;

const url = /^[a-z][a-z0-9+.-]*:\/\//i;
const publicShapes = [url, /^[^\s@]+@[^\s@]+\.[^\s@]+$/, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i];

/** What may stand beside a secret and is none: URLs, email addresses and UUIDs (RFC 9562). */
export function isPublic(value: string): boolean {
  return publicShapes.some((shape) => shape.test(value));
}

/** Whether the value of this name is a secret. An address is none, such as that of `token_uri`. */
export function isNamedSecret(name: string, value: string): boolean {
  return secretNames.test(name) && !url.test(value);
}

/**
 * The secrets in a text whose format nobody has parsed, such as TOML, YAML, or JSON that is cut off: values whose name says
 * so, tokens of the known vendors, and words with letters and digits that look like keys. Without repeats.
 */
export function secretsInText(text: string): readonly string[] {
  const named = namedValuesIn(text).filter(({ name, value }) => isNamedSecret(name, value));
  const words = text
    .split(/[\s"'`=,;<>{}[\]()]+/)
    .filter((word) => word.length >= SHORTEST_WORD && /[A-Za-z]/.test(word) && /[0-9]/.test(word))
    .filter((word) => !isPublic(word));
  const values = named.map(({ value }) => value).filter(({ length }) => length >= SHORTEST_SECRET);
  return [...new Set([...values, ...tokensIn(text), ...words])];
}
