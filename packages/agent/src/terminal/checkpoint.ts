/**
 * Puts a whole object graph back as it was. `@xterm/headless` can neither clone a terminal nor restore one, and
 * the replay tests need the same terminal state hundreds of times: building it again for every split of a
 * recorded login would take minutes.
 *
 * It knows nothing of the terminal's insides: every object reachable through data properties is remembered by
 * its contents. Variables captured by closures are out of reach, so `screen.test.ts` compares rewound terminals
 * with fresh ones.
 */
export function takeCheckpoint(root: object): () => void {
  const memories: (() => void)[] = [];
  const seen = new Set<object>();
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (!isObject(value) || seen.has(value) || isTimer(value)) continue;
    seen.add(value);
    memories.push(remember(value, pending));
  }
  return () => {
    for (const restore of memories) restore();
  };
}

type Contents = Record<PropertyKey, unknown>;

function isObject(value: unknown): value is Contents {
  return typeof value === 'object' && value !== null;
}

/** Returns what restores one object, and adds everything it refers to to `pending`. */
function remember(value: Contents, pending: unknown[]): () => void {
  if (value instanceof Uint8Array || value instanceof Uint16Array) return rememberNumbers(value);
  if (value instanceof Uint32Array || value instanceof Int32Array) return rememberNumbers(value);
  if (value instanceof Map) {
    const entries = [...value];
    for (const [key, item] of entries) pending.push(key, item);
    return () => {
      value.clear();
      for (const [key, item] of entries) value.set(key, item);
    };
  }
  if (value instanceof Set) {
    const items = [...value];
    pending.push(...items);
    return () => {
      value.clear();
      for (const item of items) value.add(item);
    };
  }
  if (Array.isArray(value)) {
    const items: unknown[] = value.slice();
    for (const item of items) pending.push(item);
    return () => {
      value.length = items.length;
      for (let index = 0; index < items.length; index++) {
        if (value[index] !== items[index]) value[index] = items[index];
      }
    };
  }
  return rememberProperties(value, pending);
}

function rememberNumbers(array: Uint8Array | Uint16Array | Uint32Array | Int32Array): () => void {
  const copy = array.slice();
  return () => array.set(copy);
}

function rememberProperties(value: Contents, pending: unknown[]): () => void {
  const known = new Set(Reflect.ownKeys(value));
  const keys: PropertyKey[] = [];
  const items: unknown[] = [];
  for (const key of known) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (!descriptor || !('value' in descriptor)) continue;
    pending.push(descriptor.value);
    if (!descriptor.writable) continue;
    keys.push(key);
    items.push(descriptor.value);
  }
  return () => {
    // Most objects are unchanged. `Object.keys` and plain reads are cheap; `Reflect.ownKeys` and `Reflect.set` are not.
    for (const key of Object.keys(value)) {
      if (!known.has(key)) Reflect.deleteProperty(value, key);
    }
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] ?? '';
      if (value[key] !== items[index]) value[key] = items[index];
    }
  };
}

/** Node keeps timers in internal lists, which must not be turned back. */
function isTimer(value: object): boolean {
  return value.constructor?.name === 'Timeout' || value.constructor?.name === 'Immediate';
}
