import { relative, resolve, sep } from 'node:path';

import { readReport, skippedIn, toMinutes } from './vitest-report.ts';
import type { FileResult, Report } from './vitest-report.ts';

/**
 * `node scripts/sum-reports.ts STEP:STATUS:SECONDS[:REPORT] …`: what CI prints last. Names every test that failed or was
 * skipped, then the minutes of each step, then `N passed, N failed` over vitest's JSON reports. What was skipped
 * counts as failed there. A step that failed counts at least once, whatever its report says: a runner may end badly
 * after its last test, or before it writes.
 */
const root = resolve(import.meta.dirname, '..');
const LONGEST_REASON = 500;

let passed = 0;
let failed = 0;
const times: { readonly Step: string; readonly Minutes: string }[] = [];

for (const step of process.argv.slice(2)) {
  const [name = '', status, seconds, file] = step.split(':');
  const report = file === undefined ? undefined : readReport(file);
  passed += report?.numPassedTests ?? 0;
  const bad = report ? report.numFailedTests + skippedIn(report) : 0;
  const isBroken = status !== '0' || (file !== undefined && !report);
  failed += isBroken ? Math.max(1, bad) : bad;
  if (isBroken) console.error(`FAILED: ${name}${file !== undefined && !report ? ' and left no report' : ''}.`);
  for (const line of report?.testResults.flatMap(describeFailures) ?? []) console.error(`  ${line}`);
  times.push({ Step: name, Minutes: toMinutes(Number(seconds) * 1000) }, ...groupTimes(report));
}

console.table(times);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function describeFailures(file: FileResult): readonly string[] {
  const path = relative(root, file.name);
  const tests = file.assertionResults
    .filter((test) => test.status !== 'passed')
    .map((test) => `${path} › ${test.fullName} (${test.status})${toReason(test.failureMessages?.[0])}`);
  return tests.length === 0 && file.status === 'failed' ? [`${path}${toReason(file.message)}`] : tests;
}

function toReason(message: string | undefined): string {
  // Of a property, the second line has the seed and the third the counterexample.
  const words = message?.split('\n', 3).join(' ').trim();
  return words ? `: ${words.slice(0, LONGEST_REASON)}` : '';
}

/** From the start of a group's first file to the end of its last: the files of some groups run side by side. */
function groupTimes(report: Report | undefined): typeof times {
  const groups = new Map<string, { readonly from: number; readonly to: number }>();
  for (const { name, startTime, endTime } of report?.testResults ?? []) {
    const [top, group = ''] = relative(root, name).split(sep);
    if (top !== 'e2e') continue;
    const { from, to } = groups.get(group) ?? { from: startTime, to: endTime };
    groups.set(group, { from: Math.min(from, startTime), to: Math.max(to, endTime) });
  }
  return [...groups].map(([group, { from, to }]) => ({ Step: `  ${group}`, Minutes: toMinutes(to - from) }));
}
