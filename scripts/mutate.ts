import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * `npm run mutate [-- NAME …]`: shows that tests can fail. Each file of `test/mutations` is a patch that breaks the product in
 * one way, and names the test that has to notice. The test is run first as it is, since one that fails anyway would notice
 * everything. Then the patch is applied to this working tree, the test is run again, and the patch is taken back. Ends with
 * 1 if a test stays green or was not green before, or if a patch no longer applies.
 */
const root = resolve(import.meta.dirname, '..');
const directory = join(root, 'test', 'mutations');
const known = readdirSync(directory)
  .filter((file) => file.endsWith('.patch'))
  .map((file) => file.slice(0, -'.patch'.length));
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !known.includes(name));
if (unknown !== undefined) {
  console.error(`There is no mutation ${unknown}. There are: ${known.join(', ')}.`);
  process.exit(2);
}

const rows: { readonly Mutation: string; readonly Test: string; readonly Result: string }[] = [];
const green = new Map<string, boolean>();
let undo: (() => void) | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    undo?.();
    process.exit(1);
  });
}
for (const name of asked.length > 0 ? asked : known) {
  const test = /^Test: (\S+)$/m.exec(readFileSync(join(directory, `${name}.patch`), 'utf8'))?.[1];
  if (test === undefined) throw new Error(`test/mutations/${name}.patch has no line "Test: FILE".`);
  rows.push({ Mutation: name, Test: test, Result: tryMutation(name, test) });
}
console.table(rows);
const survived = rows.filter(({ Result }) => Result !== 'noticed').length;
console.log(`${rows.length - survived} passed, ${survived} failed`);
process.exitCode = survived > 0 ? 1 : 0;

function tryMutation(name: string, test: string): string {
  const patch = join(directory, `${name}.patch`);
  if (runGit('apply', '--check', patch) !== 0) return 'the patch does not apply: make it again';
  console.log(`${name}: ${test}`);
  if (!isGreen(test)) return 'the test fails without the patch';
  if (runGit('apply', patch) !== 0) return 'the patch could not be applied';
  undo = () => void runGit('apply', '--reverse', patch);
  try {
    return runTest(test) ? 'NOT NOTICED: the test stays green' : 'noticed';
  } finally {
    undo();
    undo = undefined;
  }
}

/** Several mutations share a test. */
function isGreen(test: string): boolean {
  const passes = green.get(test) ?? runTest(test);
  green.set(test, passes);
  return passes;
}

function runTest(test: string): boolean {
  const vitest = join(root, 'node_modules', '.bin', 'vitest');
  return spawnSync(vitest, ['run', test], { cwd: root, stdio: 'ignore' }).status === 0;
}

function runGit(...args: readonly string[]): number | null {
  return spawnSync('git', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }).status;
}
