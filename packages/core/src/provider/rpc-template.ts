/** A place in the parameters of a request: for a value of the run, or for one out of an earlier reply. */
export type RpcPlace = { readonly slot: string } | { readonly reply: string; readonly at: string };

/** Every place in a template, however deep. */
export function placesIn(template: unknown): readonly RpcPlace[] {
  if (typeof template !== 'object' || template === null) return [];
  const place = placeOf(template);
  return place ? [place] : Object.values(template).flatMap(placesIn);
}

/** The template with its places filled. A member whose value is absent is left out. */
export function fillTemplate(template: unknown, valueOf: (place: RpcPlace) => unknown): unknown {
  if (typeof template !== 'object' || template === null) return template;
  const place = placeOf(template);
  if (place) return valueOf(place);
  if (Array.isArray(template))
    return template.map((item) => fillTemplate(item, valueOf)).filter((item) => item !== undefined);
  const members = Object.entries(template).map(([key, value]) => [key, fillTemplate(value, valueOf)] as const);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}

/** The value at an RFC 6901 pointer. */
export function valueAt(root: unknown, pointer: string): unknown {
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** An object of exactly this shape. Any other is plain JSON. */
function placeOf(value: object): RpcPlace | undefined {
  const entries = new Map<string, unknown>(Object.entries(value));
  const [slot, reply, at] = ['slot', 'reply', 'at'].map((key) => entries.get(key));
  if (entries.size === 1 && typeof slot === 'string') return { slot };
  if (entries.size === 2 && typeof reply === 'string' && typeof at === 'string') return { reply, at };
  return undefined;
}
