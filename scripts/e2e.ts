import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { groups } from '../e2e/groups.ts';
import { failUnproven, findUnproven, readCitedFiles } from '../test/setup/cited-tests.ts';
import { ensurePackages, missesNeed } from '../test/setup/debian-packages.ts';
import type { HostNeed } from '../test/setup/debian-packages.ts';
import { readReport, skippedIn, toMinutes } from './vitest-report.ts';
import type { Report } from './vitest-report.ts';

/**
 * `npm run e2e [-- GROUP[/FILE] …] [--repeat N]`: the end-to-end tests, one file at a time. Runs every group if none is
 * named. If the host misses a Debian package, it names the command that installs what is missing, or runs it in CI.
 */
const root = resolve(import.meta.dirname, '..');
const usage = `Usage: npm run e2e [-- GROUP[/FILE] … [--repeat N]]\n${Object.entries(groups)
  .map(([name, { about }]) => `  ${name.padEnd(10)} ${about}`)
  .join('\n')}`;

const { selected, repeat } = parseOrExit();
const needs = [...new Set(selected.flatMap(needsOf))];
if (!ensurePackages(needs, `npm run e2e -- ${selected.join(' ')}`)) process.exit(1);

const out = join(root, 'e2e', 'out');
const reportFile = join(out, 'report.json');
mkdirSync(out, { recursive: true });

const rows: { readonly File: string; readonly Result: string; readonly Minutes: string }[] = [];
const total = { passed: 0, failed: 0, skipped: 0 };
for (let round = 1; round <= repeat; round++) {
  if (repeat > 1) console.log(`Round ${round} of ${repeat}.`);
  runOnce();
}
console.table(rows);
const { passed, failed, skipped } = total;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode ||= failed > 0 || (skipped > 0 && process.env['CI'] === 'true') ? 1 : 0;

/** The needs of a group, or of the group of a file: `GROUP[/FILE]`. */
function needsOf(name: string): readonly HostNeed[] {
  return groups[name.split('/')[0] ?? '']?.needs ?? [];
}

function readArguments(): { readonly selected: readonly string[]; readonly repeat: number } {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { repeat: { type: 'string' } } });
  const unknown = positionals.find((name) => !(name in groups) && !existsSync(join(root, 'e2e', `${name}.e2e.ts`)));
  if (unknown !== undefined) throw new Error(`There is no group or file ${unknown} in e2e/.`);
  const rounds = Number(values.repeat ?? 1);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error('--repeat needs a whole number, 1 or more.');
  return { selected: positionals.length > 0 ? positionals : Object.keys(groups), repeat: rounds };
}

/** Exits with the usage where the arguments make no sense. */
function parseOrExit(): ReturnType<typeof readArguments> {
  try {
    return readArguments();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    return process.exit(2);
  }
}

function runOnce(): void {
  rmSync(reportFile, { force: true });
  const reporters = ['--reporter=verbose', '--reporter=json', `--outputFile.json=${reportFile}`];
  const paths = selected.map((name) => (name in groups ? `e2e/${name}/` : `e2e/${name}.e2e.ts`));
  const run = spawnSync(
    join(root, 'node_modules', '.bin', 'vitest'),
    ['run', '--config', 'e2e/vitest.config.ts', ...reporters, ...paths],
    { cwd: root, stdio: 'inherit' },
  );
  if (run.status !== 0) process.exitCode = run.status ?? 1;
  const report = readReport(reportFile);
  if (!report) {
    console.error('vitest ended without a report.');
    process.exitCode ||= 1;
    return;
  }
  checkCitations(report, paths);
  total.passed += report.numPassedTests;
  total.failed += report.numFailedTests;
  total.skipped += skippedIn(report);
  for (const { name, status, startTime, endTime, assertionResults } of report.testResults) {
    const ok = assertionResults.filter((test) => test.status === 'passed').length;
    rows.push({
      File: relative(join(root, 'e2e'), name),
      Result:
        status === 'passed' ? `${ok} passed` : `${assertionResults.length - ok} of ${assertionResults.length} failed`,
      Minutes: toMinutes(endTime - startTime),
    });
  }
}

/** Fails a run whose tests do not show what `docs/security.md` says of the files that were selected. */
function checkCitations({ testResults }: Report, paths: readonly string[]): void {
  const outcomes = new Map(
    testResults.map(({ name, assertionResults }) => [
      relative(root, name),
      assertionResults.map(({ ancestorTitles, title, status }) => ({
        titles: [...ancestorTitles, title],
        state: status,
      })),
    ]),
  );
  failUnproven(
    findUnproven({
      cited: readCitedFiles(),
      outcomes,
      isDue: (file) => paths.some((path) => file.startsWith(path)),
      allowsSkipped: (file) => process.env['CI'] !== 'true' && missesNeed(needsOf(relative('e2e', file))),
    }),
  );
}
