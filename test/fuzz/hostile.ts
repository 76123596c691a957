import * as fc from 'fast-check';

/** How many inputs of one kind are tried: in the gate with fixed seeds, and by `npm run fuzz`. */
export const hostileRuns = { runs: 250, fuzzRuns: 25_000 } as const;
/** The same where one kind of input is more work. All kinds together make more than 100,000 under `npm run fuzz`. */
export const slowHostileRuns = { runs: 504, fuzzRuns: 12_500 } as const;

/** Stands for a secret. It must not come back. */
export const canary = 'canary-7f3e9a51c2d84b06';

/** Replaced in JSON text by arrays in arrays: as a value, the helpers of a test would be the first to overflow. */
const deep = '@deep@';
const DEPTH = 20_000;

const hostileStrings = [
  '',
  ' ',
  '\0',
  '\u{feff}',
  '\u{d800}',
  '\u{202e}gnp.exe',
  '\u{1b}]8;;https://evil.example\u{7}',
  'a\r\nset-cookie: a=b',
  '../../etc/passwd',
  '~/../..',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '1e999',
  '%00',
  '%',
  '${1}',
  "';--",
  'javascript:alert(1)',
  'https://user@127.0.0.1:1/?a#b',
  '((a?){30}){30}',
  '(?=x)',
  canary,
  deep,
] as const;

export const hostileString = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...hostileStrings) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('a', '[', '\\', 'ä', '\n'), fc.constantFrom(201, 5000, 70_000))
      .map(([letter, count]) => letter.repeat(count)),
  },
);

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileString },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, 0, -0, -1, 0.5, 2 ** 31, 2 ** 53, 1e308, [], {}) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(hostileString, fc.constantFrom(null, canary, {}), { maxKeys: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom(300, 3000).map((length) => Array.from({ length }, () => canary)) },
);

/** What is left of a JSON Schema here. */
interface Shape {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | boolean;
}

/** Values that look like a schema's, or do but for one place, or do not at all. */
export function likeSchema(schema: unknown): fc.Arbitrary<unknown> {
  const shape: Shape = Object(schema);
  return fc.oneof({ weight: 15, arbitrary: honest(shape) }, { weight: 1, arbitrary: hostileValue });
}

function honest(shape: Shape): fc.Arbitrary<unknown> {
  const either = shape.anyOf ?? shape.oneOf;
  if (either) return fc.oneof(...either.map(likeSchema));
  if ('const' in shape) return fc.constant(shape.const);
  if (shape.enum) return fc.constantFrom(...shape.enum);
  if (shape.type === 'object' || shape.properties) return honestObject(shape);
  if (shape.type === 'array') return fc.array(likeSchema(shape.items), { maxLength: 4 });
  if (shape.type === 'string') return honestString(shape);
  if (shape.type === 'integer' || shape.type === 'number') return fc.integer({ min: 0, max: 100_000 });
  if (shape.type === 'boolean') return fc.boolean();
  if (shape.type === 'null') return fc.constant(null);
  return fc.jsonValue({ maxDepth: 2 });
}

function honestObject({ properties = {}, required = [], additionalProperties }: Shape): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, shape]) => [name, likeSchema(shape)]));
  const named = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  const others = fc.dictionary(fc.oneof(fc.string(), hostileString), likeSchema(additionalProperties), { maxKeys: 3 });
  const extra = fc.oneof(
    { weight: additionalProperties ? 2 : 20, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: others },
  );
  return fc.tuple(named, extra).map(([own, more]) => ({ ...more, ...own }));
}

function honestString({ format, pattern }: Shape): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.uuid({ version: 4 });
  if (format === 'uri') return fc.webUrl();
  return pattern === undefined ? fc.string() : matching(pattern);
}

/** Not every pattern can be turned around. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'));
  } catch {
    return fc.string();
  }
}

/** JSON text of a value, cut, garbled or nested beyond reason at times. */
export function jsonTextOf(values: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  const text = values.map((value) =>
    (JSON.stringify(value) ?? 'null').replaceAll(`"${deep}"`, '['.repeat(DEPTH) + ']'.repeat(DEPTH)),
  );
  return fc.oneof(
    { weight: 20, arbitrary: text },
    { weight: 1, arbitrary: fc.tuple(text, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(text, fc.nat(), hostileString)
        .map(
          ([whole, at, piece]) =>
            whole.slice(0, at % (whole.length + 1)) + piece + whole.slice(at % (whole.length + 1)),
        ),
    },
    { weight: 1, arbitrary: hostileString },
  );
}

/** A JSON value with one to three of its places changed to something hostile, given another key, or taken away. */
export function hostilePlaces(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom('replace', 'replace', 'replace', 'add', 'remove'),
    key: hostileString,
    value: hostileValue,
  });
  return fc.tuple(values, fc.array(change, { minLength: 1, maxLength: 3 })).map(([value, changes]) => {
    const changed: unknown = structuredClone(value);
    for (const { at, kind, key, value: hostile } of changes) {
      const places = placesIn(changed);
      const place = places[at % places.length];
      if (place === undefined) continue;
      if (kind === 'remove') Reflect.deleteProperty(place.container, place.key);
      else define(place.container, kind === 'add' ? key : place.key, hostile);
    }
    return changed;
  });
}

function placesIn(value: unknown): readonly { readonly container: object; readonly key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [{ container: value, key }, ...placesIn(inner)]);
}

/** Defined, not set: `__proto__` is to be a key, as `JSON.parse` makes it. */
function define(container: object, key: string, value: unknown): void {
  // The length of an array takes few values.
  if (Array.isArray(container) && key === 'length') return;
  Object.defineProperty(container, key, { value, configurable: true, enumerable: true, writable: true });
}
