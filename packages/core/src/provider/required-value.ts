/**
 * The pointers of `require`: JSON pointers (RFC 6901) in which `*` as a whole part stands for every key of an object and
 * every place of a list, such as `/authTokens/*` followed by `/token` for tokens that are kept by account.
 */

const ANY_KEY = '*';

/** The keys of a pointer, outermost first. */
export function keysOfPointer(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Whether a pointer leads into each key of an object or a list, at its first part. */
export function startsAnywhere(pointer: string): boolean {
  return keysOfPointer(pointer)[0] === ANY_KEY;
}

/** Whether a pointer leads to this place. `keys` are those of the value, outermost first. */
export function pointsTo(pointer: string, keys: readonly string[]): boolean {
  const parts = keysOfPointer(pointer);
  return parts.length === keys.length && parts.every((part, index) => part === ANY_KEY || part === keys[index]);
}

/** The values that a pointer leads to. More than one only where it has a `*`. Inherited properties are none. */
export function valuesAtPointer(root: unknown, pointer: string): readonly unknown[] {
  return keysOfPointer(pointer).reduce<readonly unknown[]>(
    (values, key) => values.flatMap((value) => childrenOf(value, key)),
    [root],
  );
}

function childrenOf(value: unknown, key: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (key === ANY_KEY) return Object.values(value);
  return Object.hasOwn(value, key) ? [new Map<string, unknown>(Object.entries(value)).get(key)] : [];
}
