/**
 * Puts a whole object graph back as it was. `@xterm/headless` can neither clone a terminal nor restore one, and
 * the replay tests need the same terminal state hundreds of times: building it anew for every split of a
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
    if (typeof value !== 'object' || value === null || seen.has(value) || isTimer(value)) continue;
    seen.add(value);
    memories.push(remember(value, pending));
  }
  return () => {
    for (const restore of memories) restore();
  };
}

/** Returns what restores one object, and adds everything it refers to to `pending`. */
function remember(value: object, pending: unknown[]): () => void {
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
      for (const [index, item] of items.entries()) value[index] = item;
    };
  }
  return rememberProperties(value, pending);
}

function rememberNumbers(array: Uint8Array | Uint16Array | Uint32Array | Int32Array): () => void {
  const copy = array.slice();
  return () => array.set(copy);
}

function rememberProperties(value: object, pending: unknown[]): () => void {
  const keys = new Set(Reflect.ownKeys(value));
  const properties = new Map<PropertyKey, unknown>();
  for (const key of keys) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (!descriptor || !('value' in descriptor)) continue;
    pending.push(descriptor.value);
    if (descriptor.writable) properties.set(key, descriptor.value);
  }
  return () => {
    for (const key of Reflect.ownKeys(value)) {
      if (!keys.has(key)) Reflect.deleteProperty(value, key);
    }
    for (const [key, item] of properties) Reflect.set(value, key, item);
  };
}

/** Node keeps timers in lists of its own, which must not be turned back. */
function isTimer(value: object): boolean {
  return value.constructor?.name === 'Timeout' || value.constructor?.name === 'Immediate';
}
