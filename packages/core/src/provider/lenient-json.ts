import { isTooDeep, MOST_LEVELS } from './json-levels.ts';

/** For provider packages: reading JSON whose shape is the vendor's and may change. Every accessor answers, none throws. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** The value of a JSON text. `undefined` for anything else, and for JSON of more than 500 levels. */
export function tryParseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    // Each level takes a bracket at either end.
    return text.length > 2 * MOST_LEVELS && isTooDeep(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/** The value as an object, or an empty one where it is something else. */
export function asRecord(value: unknown): JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}

export function finiteNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Any value for a user to read: text as it is, nothing as nothing, the rest as JSON. */
export function readable(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined || value === null ? '' : JSON.stringify(value);
}
