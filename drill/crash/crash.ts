import { openKillMatrix } from './kill-matrix.ts';
import type { Fault, FaultResult } from './kill-matrix.ts';
import { runLoad } from './load.ts';
import type { LoadOptions } from './load.ts';
import { scenarios } from './scenarios.ts';

/** 1,000 logins and 10,000 prompts. */
const load: LoadOptions = { users: 1_000, promptsEach: 10, atOnce: 32, killsAt: [300, 700, 1_600, 3_300, 5_000] };

/**
 * Kills a real server before and after each thing that it changes, then breaks its connections to the database there, and then kills
 * it under load. Prints what came of it, and returns how many faults held and how many did not. `only`: `kill`, `cut` or `load`, or
 * scenarios whose name contains this.
 */
export async function drillCrash(only = ''): Promise<{ readonly held: number; readonly failed: number }> {
  const isPart = (name: string): boolean => (PARTS.includes(only) ? only === name : only === '' || name !== 'load');
  const matrix = { held: 0, failed: 0 };
  for (const fault of ['kill', 'cut'] as const) {
    if (!isPart(fault)) continue;
    const { held, failed } = await drillFault(fault, PARTS.includes(only) ? '' : only);
    matrix.held += held;
    matrix.failed += failed;
  }
  if (!isPart('load')) return matrix;
  const { problems, kills, ...report } = await runLoad(load);
  console.table([{ ...report, kills, memoryMb: report.memoryMb.join(' ') }]);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  const failed = problems.length > 0 ? kills : 0;
  return { held: matrix.held + kills - failed, failed: matrix.failed + failed };
}

const PARTS: readonly string[] = ['kill', 'cut', 'load'];

/**
 * A step is a call of a function of the database, or something that is done to a machine. After each fault two servers in a row
 * put the host in order, and the user goes on.
 */
async function drillFault(fault: Fault, only: string): Promise<{ readonly held: number; readonly failed: number }> {
  const matrix = await openKillMatrix();
  const results: FaultResult[] = [];
  try {
    for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
      const targets = await matrix.steps(scenario);
      console.log(`${fault} in ${scenario.name}: ${targets.length} steps`);
      for (const target of targets) {
        const result = await matrix[fault](scenario, target);
        results.push(result);
        const verdict = result.disorder.length > 0 ? 'FAILED' : result.wasReached ? 'ok' : 'not reached';
        console.log(`  ${verdict}: ${target.step} (${target.nth})`);
        for (const line of result.disorder) console.log(`    ${line}`);
      }
    }
  } finally {
    await matrix.close();
  }
  console.table(
    scenarios.flatMap(({ name }) => {
      const own = results.filter(({ scenario }) => scenario === name);
      if (own.length === 0) return [];
      return [{ fault, scenario: name, ...count(own) }];
    }),
  );
  const { held, failed } = count(results);
  return { held, failed };
}

function count(results: readonly FaultResult[]) {
  const failed = results.filter(({ disorder }) => disorder.length > 0).length;
  const missed = results.filter(({ wasReached, disorder }) => !wasReached && disorder.length === 0).length;
  return { faults: results.length, held: results.length - failed - missed, 'not reached': missed, failed };
}
