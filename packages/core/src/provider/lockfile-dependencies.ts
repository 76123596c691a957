import { legible } from '../base/legible.ts';
import { EXACT_VERSION, PACKAGE_NAME, shown, VERSION_RANGE } from './lockfile-words.ts';

const KINDS = ['dependencies', 'optionalDependencies', 'peerDependencies', 'devDependencies'] as const;

/**
 * What is wrong with what an entry depends on. npm asks for a dependency that no entry satisfies before it notices that
 * the lockfile is incomplete, so a URL or a path there is fetched or read as one in an entry would be.
 *
 * An alias is allowed only to an exact version, as `npm:@openai/codex@1.2.3-linux-x64`: Codex ships its binaries so.
 */
export function problemOfSpecs(entry: Readonly<Record<string, unknown>>): string | undefined {
  for (const kind of KINDS) {
    const specs = entry[kind];
    if (specs === undefined) continue;
    if (typeof specs !== 'object' || specs === null || Array.isArray(specs))
      return `has ${kind} that are not an object`;
    for (const [name, spec] of Object.entries(specs)) {
      if (!PACKAGE_NAME.test(name)) return `has ${kind} with ${shown(name)}, which is not an npm package name`;
      if (typeof spec !== 'string' || !isSpec(spec)) {
        // What is not text may not be able to become one.
        const found = typeof spec === 'string' ? shown(spec) : 'something that is not text';
        return `depends on ${legible(name)} at ${found}, which is not a range of versions of the registry`;
      }
    }
  }
  return undefined;
}

function isSpec(spec: string): boolean {
  if (spec.length > 200) return false;
  const [, name = '', version = ''] = /^npm:(.+)@([^@]*)$/.exec(spec) ?? [];
  return name === '' ? VERSION_RANGE.test(spec) : PACKAGE_NAME.test(name) && EXACT_VERSION.test(version);
}

/**
 * The first optional dependency of an entry for which the lockfile has no entry, if any. npm leaves those of other platforms out of
 * a lockfile that it writes beside an installed `node_modules` (npm/cli#4828), and those that its registry does not have.
 * Most CLIs are a script and such a package with the binary: `npm ci` installs the script alone, or refuses the lockfile.
 */
export function missingOptional(
  path: string,
  entry: Readonly<Record<string, unknown>>,
  packages: ReadonlyMap<string, unknown>,
): string | undefined {
  const { optionalDependencies } = entry;
  if (typeof optionalDependencies !== 'object' || optionalDependencies === null) return undefined;
  return Object.keys(optionalDependencies).find((name) => !isFound(name, path, packages));
}

/** Looks where Node does: below the package itself, then beside it, then in each directory above. */
function isFound(name: string, from: string, packages: ReadonlyMap<string, unknown>): boolean {
  for (let place: string | undefined = from; place !== undefined && place !== ''; place = parentOf(place)) {
    if (packages.has(`${place}${SEPARATOR}${name}`)) return true;
  }
  return packages.has(`node_modules/${name}`);
}

interface Bundling {
  readonly inBundle?: boolean | undefined;
  readonly bundleDependencies?: readonly string[] | undefined;
}

/**
 * Whether an entry marked `inBundle` comes in the archive of a package above it, which has a hash: that package lists
 * it in `bundleDependencies`, or another entry of the same bundle depends on it.
 */
export function isBundled(path: string, packages: ReadonlyMap<string, Bundling>): boolean {
  for (let above = parentOf(path); above !== undefined; above = parentOf(above)) {
    const parent = packages.get(above);
    if (parent === undefined) return false;
    if (parent.inBundle === true) continue;
    return namesInBundle(above, parent, packages).has(nameOf(path));
  }
  return false;
}

function namesInBundle(above: string, parent: Bundling, packages: ReadonlyMap<string, Bundling>): ReadonlySet<string> {
  const names = new Set(parent.bundleDependencies ?? []);
  const members = [...packages].filter(([path, entry]) => entry.inBundle === true && path.startsWith(`${above}/`));
  // A set also visits what is added while it is walked.
  for (const name of names) {
    for (const [path, entry] of members) {
      if (nameOf(path) !== name) continue;
      for (const kind of KINDS) {
        const specs: unknown = Reflect.get(entry, kind);
        if (typeof specs === 'object' && specs !== null) Object.keys(specs).forEach((each) => names.add(each));
      }
    }
  }
  return names;
}

const SEPARATOR = '/node_modules/';

function parentOf(path: string): string | undefined {
  const end = path.lastIndexOf(SEPARATOR);
  return end < 0 ? undefined : path.slice(0, end);
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}
