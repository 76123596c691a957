/**
 * Levels of arrays and objects in each other. `JSON.parse` takes any number of them, but `JSON.stringify` and every
 * function that calls itself for each level throws a RangeError at some thousands.
 */
export const MOST_LEVELS = 500;

/** Whether a value has more than 500 levels. A value that is part of itself has. */
export function isTooDeep(value: unknown): boolean {
  let level = new Set([value].filter(isContainer));
  for (let levels = 1; levels <= MOST_LEVELS && level.size > 0; levels++) {
    // A set: an object that is there many times would otherwise count once for each way that leads to it.
    const next = new Set<object>();
    for (const container of level) {
      for (const inner of Object.values(container)) if (isContainer(inner)) next.add(inner);
    }
    level = next;
  }
  return level.size > 0;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
