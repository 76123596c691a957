import { asRecord } from '@sallyport/core/driver';
import type { JsonRecord } from '@sallyport/core/driver';

/**
 * A lockfile of npm without the optional dependencies that it has no package for. A registry may have those of one
 * platform only, as a mirror does that keeps what was asked for; npm writes a lockfile all the same, and `npm ci` then
 * refuses it: "Missing: … from lock file".
 */
export function dropMissingOptionals(lockfile: string): string {
  const parsed = asRecord(JSON.parse(lockfile));
  const packages = asRecord(parsed['packages']);
  const entries = Object.entries(packages).map(([path, entry]) => [
    path,
    withoutMissing(path, asRecord(entry), packages),
  ]);
  return JSON.stringify({ ...parsed, packages: Object.fromEntries(entries) }, null, 2);
}

function withoutMissing(path: string, entry: JsonRecord, packages: JsonRecord): JsonRecord {
  const { optionalDependencies, ...rest } = entry;
  if (optionalDependencies === undefined) return entry;
  const present = Object.entries(asRecord(optionalDependencies)).filter(([name]) => isFound(name, path, packages));
  return present.length > 0 ? { ...rest, optionalDependencies: Object.fromEntries(present) } : rest;
}

/** Looks where Node does: beside the package's own dependencies, then in each directory above. */
function isFound(name: string, from: string, packages: JsonRecord): boolean {
  const place = from === '' ? '' : `${from}/`;
  if (Object.hasOwn(packages, `${place}node_modules/${name}`)) return true;
  return from !== '' && isFound(name, from.slice(0, Math.max(from.lastIndexOf('/node_modules/'), 0)), packages);
}
