import { z } from 'zod';

import { legible } from '../base/legible.ts';
import { isBundled, missingOptional, problemOfSpecs } from './lockfile-dependencies.ts';
import { EXACT_VERSION, HASH, PACKAGE_PATH, PACKAGE_NAME, shown } from './lockfile-words.ts';

/**
 * What a manifest's lockfile may say. npm fetches and reads what it names: a path, a Git URL or an address of the
 * private network in an entry would make this host do that for an author nobody trusts. So every entry is an exact
 * version from the registry with a SHA-512 of its archive, and nothing else gets through.
 *
 * Which registry that is, only the host knows: `machines` compares `resolved` with it.
 */
const packageSchema = z.looseObject({
  name: z.string().regex(PACKAGE_NAME, 'has a name that is not an npm package name').optional(),
  version: z.string().max(100).regex(EXACT_VERSION, 'has a version that is not an exact one such as 1.2.3'),
  integrity: z.string().regex(HASH, 'has an integrity that is not one sha512 hash of 64 bytes').optional(),
  resolved: z
    .string()
    .max(500)
    .refine(isPlainHttps, 'is resolved to something other than an https URL without user, query and fragment')
    .optional(),
  inBundle: z.boolean().optional(),
  bundleDependencies: z
    .array(z.string().regex(PACKAGE_NAME, 'bundles something that is not an npm package name'))
    .optional(),
  link: z.never('is a link').optional(),
  // npm would install what an npm-shrinkwrap.json inside the package says, which nothing here has checked.
  hasShrinkwrap: z.literal(false, 'brings its own lockfile (hasShrinkwrap)').optional(),
  workspaces: z.never('has workspaces').optional(),
  os: z.array(z.string()).optional(),
  cpu: z.array(z.string()).optional(),
});

/** The entry of the directory itself: it has no version. */
const rootSchema = z.looseObject({
  link: z.never('is a link').optional(),
  workspaces: z.never('has workspaces').optional(),
});

const fileSchema = z.strictObject({
  name: z.string().max(214).optional(),
  version: z.string().max(100).optional(),
  lockfileVersion: z.literal(3, 'is not a package-lock.json of version 3'),
  requires: z.boolean().optional(),
  packages: z.record(z.string(), z.unknown(), 'has no packages'),
});

/** One package that a lockfile pins. */
export type LockedPackage = z.infer<typeof packageSchema>;

export interface Lockfile {
  /** What npm has to install: names with their versions. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** By path, such as `node_modules/a/node_modules/b`. */
  readonly packages: ReadonlyMap<string, LockedPackage>;
}

const MOST_CHARACTERS = 200_000;
const MOST_ENTRIES = 1000;

/** A package-lock.json of version 3, as text. */
export const lockfileSchema = z
  .string()
  .max(MOST_CHARACTERS)
  .check(({ value, issues }) => {
    const result = readLockfile(value);
    if (typeof result === 'string') issues.push({ code: 'custom', input: value, message: result });
  });

/** Reads a lockfile. Returns what is wrong with it, naming the entry and the rule, if anything is. */
export function readLockfile(text: string): Lockfile | string {
  if (text.length > MOST_CHARACTERS) return `has more than ${MOST_CHARACTERS} characters`;
  let json: unknown;
  let hasPrototype = false;
  try {
    json = JSON.parse(text, (key, value: unknown) => {
      hasPrototype ||= key === '__proto__';
      return value;
    });
  } catch {
    return 'is not JSON';
  }
  // npm reads the same text, and would see an entry of that name, which zod leaves out.
  if (hasPrototype) return 'has the key __proto__, a name that JavaScript objects reserve';
  const file = fileSchema.safeParse(json);
  if (!file.success) return firstProblem(file.error);
  const { '': root = {}, ...entries } = file.data.packages;
  if (Object.keys(entries).length > MOST_ENTRIES) return `has more than ${MOST_ENTRIES} entries`;
  const packages = new Map<string, LockedPackage>();
  for (const [path, entry] of Object.entries(entries)) {
    if (path.length > 500 || !PACKAGE_PATH.test(path)) {
      return `entry ${shown(path)} is not a path of packages below node_modules`;
    }
    const result = packageSchema.safeParse(entry);
    const problem = result.success ? problemOfSpecs(result.data) : firstProblem(result.error);
    if (problem !== undefined) return `entry ${shown(path)} ${problem}`;
    if (result.success) packages.set(path, result.data);
  }
  for (const [path, entry] of packages) {
    const problem = problemOfOrigin(path, entry, packages) ?? problemOfOptionals(path, entry, packages);
    if (problem !== undefined) return `entry ${shown(path)} ${problem}`;
  }
  const checkedRoot = rootSchema.safeParse(root);
  const problem = checkedRoot.success
    ? (problemOfSpecs(checkedRoot.data) ?? problemOfOptionals('', checkedRoot.data, packages))
    : firstProblem(checkedRoot.error);
  if (problem !== undefined) return `entry "" ${problem}`;
  return { dependencies: { ...dependenciesSchema.parse(root).dependencies }, packages };
}

const dependenciesSchema = z.object({ dependencies: z.record(z.string(), z.string()).optional() });

/** A package comes from the registry by hash, or in the archive of the package that bundles it. */
function problemOfOrigin(
  path: string,
  entry: LockedPackage,
  packages: ReadonlyMap<string, LockedPackage>,
): string | undefined {
  if (entry.inBundle !== true) return entry.integrity === undefined ? 'has no integrity' : undefined;
  if (entry.resolved !== undefined) return 'is in a bundle and yet resolved to a URL';
  return isBundled(path, packages) ? undefined : 'is marked inBundle, but no package above it bundles it';
}

/** What is in a bundle is as its package was published. */
function problemOfOptionals(
  path: string,
  entry: Readonly<Record<string, unknown>>,
  packages: ReadonlyMap<string, LockedPackage>,
): string | undefined {
  const missing = entry['inBundle'] === true ? undefined : missingOptional(path, entry, packages);
  if (missing === undefined) return undefined;
  return (
    `has the optional dependency ${legible(missing)}, but the lockfile has no entry for that: ` +
    'write the lockfile in an empty directory, or take the dependency out'
  );
}

function isPlainHttps(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' && url.username + url.password + url.search + url.hash === '';
}

function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'is not valid';
  const isOurs = /^(has|is|brings|bundles) /.test(issue.message);
  return isOurs
    ? issue.message
    : `${issue.path.length > 0 ? `at ${legible(issue.path.map(String).join('.'))} ` : ''}is not valid: ${legible(issue.message)}`;
}
