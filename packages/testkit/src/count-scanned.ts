/** Methods that look at every character of the string they are called on. */
const scanning = ['split', 'indexOf', 'search', 'match', 'matchAll', 'replace', 'replaceAll', 'trim'] as const;

/**
 * How many characters the string methods that scan were given while `work` ran. It grows with the square of a line that
 * is looked at again with each chunk, and does not depend on how fast the host is.
 */
export async function countScanned(work: () => Promise<unknown>): Promise<number> {
  const prototype: object = String.prototype;
  let scanned = 0;
  const restore = scanning.map((name) => {
    const original: unknown = Reflect.get(prototype, name);
    if (typeof original !== 'function') throw new TypeError(`String has no method ${name}.`);
    const counted = function (this: unknown, ...given: unknown[]): unknown {
      scanned += String(this).length;
      return Reflect.apply(original, this, given);
    };
    Reflect.set(prototype, name, counted);
    return () => Reflect.set(prototype, name, original);
  });
  try {
    await work();
  } finally {
    for (const undo of restore) undo();
  }
  return scanned;
}
