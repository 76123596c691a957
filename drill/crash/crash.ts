import { openKillMatrix } from './kill-matrix.ts';
import type { KillResult } from './kill-matrix.ts';
import { runLoad } from './load.ts';
import type { LoadOptions } from './load.ts';
import { scenarios } from './scenarios.ts';

/** 1,000 logins and 10,000 prompts. */
const load: LoadOptions = { users: 1_000, promptsEach: 10, atOnce: 32, killsAt: [300, 700, 1_600, 3_300, 5_000] };

/**
 * Kills a real server before and after each thing that it changes, and then under load. Prints what came of it, and returns how
 * many kills held and how many did not. `only`: the load, or scenarios whose name contains this.
 */
export async function drillCrash(only = ''): Promise<{ readonly held: number; readonly failed: number }> {
  const matrix = only === 'load' ? { held: 0, failed: 0 } : await drillKills(only);
  if (only !== '' && only !== 'load') return matrix;
  const { problems, kills, ...report } = await runLoad(load);
  console.table([{ ...report, kills, memoryMb: report.memoryMb.join(' ') }]);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  const failed = problems.length > 0 ? kills : 0;
  return { held: matrix.held + kills - failed, failed: matrix.failed + failed };
}

/**
 * A step is a call of a function of the database, or something that is done to a machine. After each kill two servers in a row
 * put the host in order, and the user goes on.
 */
async function drillKills(only: string): Promise<{ readonly held: number; readonly failed: number }> {
  const matrix = await openKillMatrix();
  const results: KillResult[] = [];
  try {
    for (const scenario of scenarios.filter(({ name }) => name.includes(only))) {
      const targets = await matrix.steps(scenario);
      console.log(`${scenario.name}: ${targets.length} steps`);
      for (const target of targets) {
        const result = await matrix.kill(scenario, target);
        results.push(result);
        const verdict = result.disorder.length > 0 ? 'FAILED' : result.wasKilled ? 'ok' : 'not reached';
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
      return [{ scenario: name, ...count(own) }];
    }),
  );
  const { held, failed } = count(results);
  return { held, failed };
}

function count(results: readonly KillResult[]) {
  const failed = results.filter(({ disorder }) => disorder.length > 0).length;
  const missed = results.filter(({ wasKilled, disorder }) => !wasKilled && disorder.length === 0).length;
  return { kills: results.length, held: results.length - failed - missed, 'not reached': missed, failed };
}
