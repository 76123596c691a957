import { readFileSync } from 'node:fs';

/**
 * `node scripts/sum-reports.ts STEP:STATUS[:REPORT] …`: adds up vitest's JSON reports and prints `N passed, N failed`, the
 * last line of CI. What was skipped counts as failed there. A step that failed counts at least once, whatever its
 * report says: a runner may end badly after its last test, or before it writes.
 */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

let passed = 0;
let failed = 0;

for (const step of process.argv.slice(2)) {
  const [name, status, file] = step.split(':');
  const report = file === undefined ? undefined : readReport(file);
  passed += report?.numPassedTests ?? 0;
  const bad = report ? report.numFailedTests + report.numPendingTests + report.numTodoTests : 0;
  const isBroken = status !== '0' || (file !== undefined && !report);
  failed += isBroken ? Math.max(1, bad) : bad;
  if (isBroken) console.error(`npm run ${name} failed${file !== undefined && !report ? ' and left no report' : ''}.`);
}

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
