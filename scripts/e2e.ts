import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

/**
 * `npm run e2e [-- GROUP[/FILE] …]`: the end-to-end runs, each group a folder of `e2e/`, one file at a time. What takes longer
 * than a change can wait for is the group `long`, which runs only where it is asked for.
 */
const root = resolve(import.meta.dirname, '..');
const groups = readdirSync(join(root, 'e2e'), { withFileTypes: true })
  .filter(
    (entry) =>
      entry.isDirectory() &&
      existsSync(join(root, 'e2e', entry.name)) &&
      readdirSync(join(root, 'e2e', entry.name)).some((name) => name.endsWith('.e2e.ts')),
  )
  .map((entry) => entry.name);

const LONG = 'long';
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !groups.includes(name) && !existsSync(join(root, 'e2e', `${name}.e2e.ts`)));
if (unknown.length > 0) {
  console.error(`There is no group or file ${unknown.join(', ')}. Groups: ${groups.join(', ')}.`);
  process.exit(2);
}

const out = join(root, 'e2e', 'out');
const report = join(out, 'report.json');
mkdirSync(out, { recursive: true });
rmSync(report, { force: true });
const run = spawnSync(
  join(root, 'node_modules', '.bin', 'vitest'),
  [
    'run',
    '--config',
    'e2e/vitest.config.ts',
    '--reporter=verbose',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(asked.length > 0 ? asked : groups.filter((name) => name !== LONG)).map((name) =>
      groups.includes(name) ? `e2e/${name}/` : `e2e/${name}.e2e.ts`,
    ),
  ],
  { cwd: root, stdio: 'inherit' },
);
if (!existsSync(report)) {
  console.error('The runner wrote no report.');
  process.exit(run.status ?? 1);
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'));
const skipped = numPendingTests + numTodoTests;
console.log(`${numPassedTests} passed, ${numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(run.status === 0 && skipped > 0 && process.env['CI'] === 'true' ? 1 : (run.status ?? 1));
