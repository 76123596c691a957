import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';

/**
 * Moves source files and everything that names them: `node scripts/move-files.ts scripts/moves/TABLE.json`. The table
 * maps old paths to new ones, from the root of the repository; a file's test moves with it. Files that have moved
 * already, or that this branch does not have, are left alone, so that work from before a move can be brought after it.
 */
const root = resolve(import.meta.dirname, '..');
const [tablePath = ''] = process.argv.slice(2);
const table: Readonly<Record<string, string>> = JSON.parse(readFileSync(resolve(tablePath), 'utf8'));

const moves = new Map<string, string>();
for (const [from, to] of Object.entries(table)) {
  moves.set(from, to);
  const test = from.replace(/\.ts$/, '.test.ts');
  moves.set(test, to.replace(/\.ts$/, '.test.ts'));
}

const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean);
const moving = tracked.filter((path) => moves.has(path));
const oldPathOf = new Map<string, string>();
for (const from of moving) {
  const to = moves.get(from) ?? from;
  mkdirSync(dirname(join(root, to)), { recursive: true });
  execFileSync('git', ['mv', from, to], { cwd: root });
  oldPathOf.set(to, from);
}

// A path in a document, a patch or a setting: from the root of the repository, of `packages` or of one package.
const inPackages = [...moves].filter(([from]) => from.startsWith('packages/'));
const shorter = (depth: number, path: string): string => path.split('/').slice(depth).join('/');
const named = new Map([
  ...moves,
  ...[1, 2].flatMap((depth) => inPackages.map(([from, to]) => [shorter(depth, from), shorter(depth, to)] as const)),
]);
const namesPattern = new RegExp(
  `(?<![\\w./-])(?:\\./|[ab]/)?(${[...named.keys()].map(escape).join('|')})(?![\\w-])`,
  'g',
);

let rewritten = 0;
for (const path of tracked.map((each) => (moves.has(each) ? (moves.get(each) ?? each) : each))) {
  const file = join(root, path);
  if (!/\.(ts|mts|mjs|cjs|md|json|jsonc|patch|yml)$/.test(path) || path.startsWith('scripts/moves/')) continue;
  if (path === 'package-lock.json' || !existsSync(file)) continue;
  const before = readFileSync(file, 'utf8');
  const after = rewriteNames(path, /\.[mc]?[tj]s$/.test(path) ? rewriteImports(path, before) : before);
  if (after === before) continue;
  writeFileSync(file, after);
  rewritten += 1;
}
console.log(`${moving.length} files moved, ${rewritten} rewritten.`);

/** Relative specifiers, in whatever they are used: import, export, dynamic import, `vi.mock`, `new URL`. */
function rewriteImports(path: string, text: string): string {
  const from = oldPathOf.get(path) ?? path;
  return text.replaceAll(/(['"])(\.{1,2}\/[^'"\n]*?\.(?:ts|mjs))\1/g, (whole, quote: string, specifier: string) => {
    const old = posix.normalize(posix.join(posix.dirname(from), specifier));
    const target = moves.get(old) ?? old;
    if (target === old && from === path) return whole;
    // Only what names a file: a fixture may hold any text.
    if (!existsSync(join(root, target))) return whole;
    const next = relative(dirname(path), target);
    return `${quote}${next.startsWith('.') ? next : `./${next}`}${quote}`;
  });
}

function rewriteNames(path: string, text: string): string {
  return text.replaceAll(namesPattern, (whole, name: string) => {
    // `src/errors.ts` means the package that the naming file is in.
    if (name.startsWith('src/') && !isOfPackage(path, name)) return whole;
    return whole.replace(name, named.get(name) ?? name);
  });
}

function isOfPackage(path: string, name: string): boolean {
  const owner = inPackages.find(([from]) => shorter(2, from) === name)?.[0].split('/')[1];
  return path.startsWith(`packages/${owner}/`);
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
