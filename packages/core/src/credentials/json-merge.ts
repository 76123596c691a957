import { tryParseJsonc } from '../provider/jsonc.ts';
import { keysOfPointer, startsAnywhere } from '../provider/required-value.ts';

/**
 * `merge-json`: our keys into a file that the CLI edits too, such as `.claude.json`. Objects are merged at every
 * depth, everything else is replaced. An existing text that is not a JSON object of at most 500 levels is replaced whole. Comments
 * in it, which a user may have put into a file of settings, are lost, but cost nothing else.
 */
export function mergeJson(existing: string | undefined, text: string): string {
  const [old, next] = [tryParseJsonc(existing ?? ''), tryParseJsonc(text)];
  return isObject(old) && isObject(next) ? `${JSON.stringify(mergeObjects(old, next), null, 2)}\n` : text;
}

/**
 * `merge-json` for a secret: keeps what a CLI put beside it, such as Claude's `mcpOAuth`. The top-level keys that
 * `require` leads into are the secret and come from `text` alone, so that no part of an old login lives on.
 */
export function mergeSecretJson(existing: string | undefined, text: string, require: readonly string[]): string {
  const [old, next] = [tryParseJsonc(existing ?? ''), tryParseJsonc(text)];
  if (!isObject(old) || !isObject(next)) return text;
  if (require.some(startsAnywhere)) return text;
  const secret = new Set(require.map((pointer) => keysOfPointer(pointer)[0]));
  const beside = Object.entries(old).filter(([key]) => !secret.has(key) && !Object.hasOwn(next, key));
  return beside.length === 0 ? text : JSON.stringify(Object.fromEntries([...Object.entries(next), ...beside]));
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Built from entries: a key named `__proto__` stays a key, as `JSON.parse` made it. */
function mergeObjects(old: JsonObject, next: JsonObject): JsonObject {
  const merged = new Map(Object.entries(old));
  for (const [key, value] of Object.entries(next)) {
    const before = merged.get(key);
    merged.set(key, isObject(before) && isObject(value) ? mergeObjects(before, value) : value);
  }
  return Object.fromEntries(merged);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
