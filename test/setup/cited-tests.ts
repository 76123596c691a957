import { globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** A row of the table of attacks in `docs/security.md`. */
export interface SecurityRow {
  readonly attack: string;
  /** The code spans of its last column: tests, and names of suites and commands. */
  readonly cited: readonly string[];
}

/** One test file that a row relies on. */
export interface CitedFile {
  readonly attack: string;
  /** Path from the root of the repository. */
  readonly file: string;
  /** Title of a test in it, or of a `describe`, from the inside out as far as needed. Absent: the whole file. */
  readonly title: string | undefined;
}

/** How a test ended, by the titles from its outermost `describe` to its own. */
export interface TestOutcome {
  readonly titles: readonly string[];
  readonly state: string;
}

/** What stands between a file and a title, and between titles. */
const separator = ' › ';

export function readSecurityPage(): string {
  return readFileSync(join(root, 'docs/security.md'), 'utf8');
}

export function parseSecurityRows(page: string): readonly SecurityRow[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (Attack|-)/.test(line))
    .map((line) => {
      const cells = line.split(' | ');
      const spans = [...(cells.at(-1) ?? '').matchAll(/`([^`]+)`/g)];
      return { attack: (cells[0] ?? '').replace('| ', '').trim(), cited: spans.map(([, span = '']) => span) };
    });
}

/** Whether a code span cites tests. The others name suites and commands. */
export function isTestCitation(span: string): boolean {
  return /\.ts(?: › |$)|^e2e\//.test(span);
}

/**
 * The files that a citation stands for, with its title. `PATH` or `PATH › TITLE`, where `PATH` is below `packages` or the
 * root, a pattern, or a directory of tests. Empty if there is no such file.
 */
export function resolveCitation(attack: string, span: string): readonly CitedFile[] {
  const [path = '', ...titles] = span.split(separator);
  const found = [path, join('packages', path), `packages/*/src/**/${path}`].flatMap((pattern) =>
    globSync(pattern, { cwd: root, exclude: ['**/node_modules/**'] }),
  );
  const files = found.flatMap((name) =>
    statSync(join(root, name)).isDirectory() ? globSync(`${name}/**/*.{test,e2e}.ts`, { cwd: root }) : [name],
  );
  const title = titles.length > 0 ? titles.join(separator) : undefined;
  return files.map((file) => ({ attack, file, title }));
}

export function readCitedFiles(): readonly CitedFile[] {
  return parseSecurityRows(readSecurityPage()).flatMap(({ attack, cited }) =>
    cited.filter(isTestCitation).flatMap((span) => resolveCitation(attack, span)),
  );
}

/**
 * Whether each part of a cited title stands in its file as written, or in a suite of the testkit that it runs. A title
 * that is put together when the tests run cannot be cited.
 */
export function findsTitle({ file, title }: CitedFile): boolean {
  if (title === undefined) return true;
  const text = readFileSync(join(root, file), 'utf8');
  const places = [text, ...suitesOf(text)];
  const quoted = (part: string): readonly string[] => ["'", '"', '`'].map((quote) => `${quote}${part}${quote}`);
  return title.split(separator).every((part) => places.some((place) => quoted(part).some((it) => place.includes(it))));
}

/** The text of each suite that is called in this text, with all that it imports from its package. */
function suitesOf(text: string): readonly string[] {
  const called = new Set([...text.matchAll(/\b(describe[A-Z]\w*)\(/g)].map(([, name = '']) => name));
  const files = globSync('packages/testkit/src/*.ts', { cwd: root }).map((name) => join(root, name));
  const exporting = files.filter((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^export function (describe\w+)\(/gm)].some(([, name = '']) =>
      called.has(name),
    ),
  );
  const read = new Map<string, string>();
  const follow = (file: string): void => {
    if (read.has(file)) return;
    const source = readFileSync(file, 'utf8');
    read.set(file, source);
    for (const [, path = ''] of source.matchAll(/from '(\.[^']+\.ts)'/g)) follow(resolve(dirname(file), path));
  };
  for (const file of exporting) follow(file);
  return [...read.values()];
}

export interface FinishedRun {
  readonly cited: readonly CitedFile[];
  /** The tests of each file that ran, by its path from the root. */
  readonly outcomes: ReadonlyMap<string, readonly TestOutcome[]>;
  /** Whether the run was to include this file. Of the others, those that ran are looked at. */
  readonly isDue: (file: string) => boolean;
  /** Whether tests of this file may be skipped: only where something that they need is missing on this host. */
  readonly allowsSkipped: (file: string) => boolean;
}

/** Compares what is cited with what ran. Returns a line for each citation that the run does not bear out. */
export function findUnproven({ cited, outcomes, isDue, allowsSkipped }: FinishedRun): readonly string[] {
  const lines = cited.flatMap(({ attack, file, title }) => {
    const ran = outcomes.get(file);
    if (!ran && !isDue(file)) return [];
    const problem = findProblem(
      ran?.filter((test) => matches(test, title)),
      allowsSkipped(file),
    );
    return problem === undefined
      ? []
      : [`${attack}: ${file}${title === undefined ? '' : separator + title} ${problem}`];
  });
  return [...new Set(lines)];
}

/** Prints those lines and makes the process end with 1, if there are any. */
export function failUnproven(lines: readonly string[]): void {
  if (lines.length === 0) return;
  console.error('Rows of docs/security.md that this run does not show:');
  for (const line of lines) console.error(`  ${line}`);
  process.exitCode = 1;
}

function findProblem(tests: readonly TestOutcome[] | undefined, allowsSkipped: boolean): string | undefined {
  if (!tests) return 'did not run';
  if (tests.length === 0) return 'is not among the tests that ran';
  if (tests.some(({ state }) => state === 'failed')) return 'failed';
  return allowsSkipped || tests.every(({ state }) => state === 'passed') ? undefined : 'was skipped, at least in part';
}

function matches({ titles }: TestOutcome, title: string | undefined): boolean {
  if (title === undefined) return true;
  return `${separator}${titles.join(separator)}${separator}`.includes(`${separator}${title}${separator}`);
}
