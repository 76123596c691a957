/** For provider packages: reading JSON whose shape is the vendor's and may change. Every accessor answers, none throws. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/**
 * Levels of arrays and objects in each other. `JSON.parse` takes any number of them, but `JSON.stringify` and every
 * function that calls itself for each level throws a RangeError at some thousands.
 */
const MOST_LEVELS = 500;

/** The value of a JSON text. `undefined` for anything else, and for JSON of more than 500 levels. */
export function tryParseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isDeeper(value, text.length) ? undefined : value;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, characters: number): boolean {
  // Each level takes a bracket at either end.
  if (characters <= 2 * MOST_LEVELS) return false;
  let level = [value].filter(isContainer);
  for (let levels = 1; levels <= MOST_LEVELS && level.length > 0; levels++) {
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
  return level.length > 0;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
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
