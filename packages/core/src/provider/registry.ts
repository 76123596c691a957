import { createHash } from 'node:crypto';

import type { z } from 'zod';

import { canonicalJson } from '../base/canonical-json.ts';
import { SallyportError } from '../base/errors.ts';
import { legible } from '../base/legible.ts';
import { isTooDeep, MOST_LEVELS } from './json-levels.ts';
import { manifestSchema } from './manifest.ts';
import type { ProviderManifest } from './manifest.ts';
import type { Provider } from '../contracts/provider.ts';

/** The providers of one deployment. */
export interface ProviderRegistry {
  /** By id or alias. Throws PROVIDER_UNKNOWN, naming the known ones. */
  get(idOrAlias: string): Provider;
  has(idOrAlias: string): boolean;
  /** In the order of the configuration. */
  list(): readonly Provider[];
}

/** Checks every manifest; a registry that exists holds only valid ones, with their defaults filled in. */
export function createRegistry(providers: readonly Provider[]): ProviderRegistry {
  const checked = providers.map((provider) => ({ ...provider, manifest: parseManifest(provider.manifest) }));
  const byName = new Map<string, Provider>();
  for (const provider of checked) {
    for (const name of [provider.manifest.id, ...provider.manifest.aliases]) {
      const other = byName.get(name);
      if (other) throw takenTwice(name, other.manifest, provider.manifest);
      byName.set(name, provider);
    }
  }
  return {
    get: (idOrAlias) => {
      const provider = byName.get(idOrAlias);
      if (!provider) throw unknown(idOrAlias, [...byName.keys()], checked);
      return provider;
    },
    has: (idOrAlias) => byName.has(idOrAlias),
    list: () => checked,
  };
}

/** A manifest can have a problem in each of thousands of places. */
const MOST_PROBLEMS = 20;

/** Turns anything into a manifest, or throws PROVIDER_MANIFEST_INVALID with the first 20 problems and where they are. */
export function parseManifest(input: unknown): ProviderManifest {
  // First: what follows calls itself for each level.
  const problems = isTooDeep(input)
    ? [{ path: '/', message: `has more than ${MOST_LEVELS} levels of arrays and objects` }]
    : prototypeKeys(input, '');
  const result = problems.length > 0 ? undefined : manifestSchema.safeParse(input);
  if (result?.success) return result.data;
  for (const issue of result?.error.issues ?? []) problems.push(describe(issue, []));
  const id =
    typeof input === 'object' && input !== null && 'id' in input && typeof input.id === 'string' ? input.id : '?';
  const told = problems
    .slice(0, MOST_PROBLEMS)
    .map(({ path, message }) => ({ path: legible(path), message: legible(message) }));
  const others = problems.length > MOST_PROBLEMS ? `; and ${problems.length - MOST_PROBLEMS} more` : '';
  throw new SallyportError(
    'PROVIDER_MANIFEST_INVALID',
    `The manifest of provider ${legible(JSON.stringify(id.slice(0, 40)))} is not valid: ${told.map(({ path, message }) => `${path} ${message}`).join('; ')}${others}.`,
    { details: { problems: told } },
  );
}

/** SHA-256 of the canonical JSON, in hex: tells two versions of a manifest apart. */
export function manifestHash(manifest: ProviderManifest): string {
  return createHash('sha256').update(canonicalJson(manifest)).digest('hex');
}

interface Problem {
  /** Where, as a JSON pointer (RFC 6901). */
  readonly path: string;
  readonly message: string;
}

/** Of a choice between shapes, the one that came closest says more than "invalid input". */
function describe(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Problem {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    const closest = issue.errors.toSorted(
      (left, right) => depth(right) - depth(left) || left.length - right.length,
    )[0]?.[0];
    if (closest) return describe(closest, path);
  }
  if (issue.code === 'invalid_key' && issue.issues[0]) return { path: pointer(path), message: issue.issues[0].message };
  return { path: pointer(path), message: issue.message };
}

function depth(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map((issue) => issue.path.length));
}

function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('') || '/';
}

/** JSON may carry these as ordinary keys; zod leaves `__proto__` out silently, and silence is not good enough. */
function prototypeKeys(value: unknown, path: string): Problem[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    ['__proto__', 'constructor', 'prototype'].includes(key)
      ? [{ path: `${path}/${key}`, message: 'is a name that JavaScript objects reserve; rename it' }]
      : prototypeKeys(item, `${path}/${key}`),
  );
}

function takenTwice(name: string, first: ProviderManifest, second: ProviderManifest): SallyportError {
  return new SallyportError(
    'PROVIDER_MANIFEST_INVALID',
    `The name ${name} belongs to provider ${first.id} already, so provider ${second.id} cannot have it too.`,
    { hint: 'Change the id or alias of one of them, or list the provider only once.' },
  );
}

function unknown(name: string, names: readonly string[], providers: readonly Provider[]): SallyportError {
  const known = providers.map((provider) => provider.manifest.id);
  const shown = JSON.stringify(name.slice(0, 40));
  const nearest = names
    .map((candidate) => ({ candidate, distance: editDistance(name.slice(0, 40).toLowerCase(), candidate) }))
    .toSorted((left, right) => left.distance - right.distance)[0];
  const suggestion = nearest && nearest.distance <= 3 ? ` Did you mean ${nearest.candidate}?` : '';
  return new SallyportError(
    'PROVIDER_UNKNOWN',
    `There is no provider ${shown}.${suggestion} Known: ${known.join(', ') || 'none'}.`,
    {
      details: { known },
    },
  );
}

/** Levenshtein's distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [index, character] of Array.from(left).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(right).entries()) {
      const [diagonal = 0, above = 0, before = 0] = [row[column], row[column + 1], next[column]];
      next.push(Math.min(above + 1, before + 1, diagonal + (character === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
