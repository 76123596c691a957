import { availableParallelism } from 'node:os';

import { openFaultMatrix } from './fault-matrix.ts';
import type { FaultResult } from './fault-matrix.ts';
import { faults } from './faults.ts';
import type { Fault } from './faults.ts';
import { runLoad } from './load.ts';
import type { LoadOptions } from './load.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';

/** 1,000 logins and 10,000 prompts. */
const load: LoadOptions = { users: 1_000, promptsEach: 10, atOnce: 32, killsAt: [300, 700, 1_600, 3_300, 5_000] };

/**
 * Lets each fault fall on a real server before and after each thing that it changes, and then kills it under load. Prints what
 * came of it, and returns how many faults held and how many did not. `only`: `load`, or
 * parts whose name contains this: `kill`, `a login`, `disk-full in a first prompt`. Throws if there are none.
 */
export async function drillCrash(only = ''): Promise<{ readonly held: number; readonly failed: number }> {
  const parts = faults
    .flatMap((fault) => scenarios.map((scenario): Part => ({ fault, scenario })))
    .filter((part) => nameOf(part).includes(only));
  const isLoad = only === '' || only === 'load';
  if (parts.length === 0 && !isLoad) throw new Error(`No part of the drill has "${only}" in its name.`);
  const matrix = await drillFaults(parts);
  if (!isLoad) return matrix;
  const { problems, kills, ...report } = await runLoad(load);
  console.table([{ ...report, kills, memoryMb: report.memoryMb.join(' ') }]);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  const failed = problems.length > 0 ? kills : 0;
  return { held: matrix.held + kills - failed, failed: matrix.failed + failed };
}

interface Part {
  readonly fault: Fault;
  readonly scenario: Scenario;
}

function nameOf({ fault, scenario }: Part): string {
  return `${fault.name} in ${scenario.name}`;
}

/** A step is a call of a function of the database, or something that is done to a machine. */
async function drillFaults(parts: readonly Part[]): Promise<{ readonly held: number; readonly failed: number }> {
  const results = new Map<Part, readonly FaultResult[]>();
  // A part waits much of the time, for a server that starts or stops.
  const left = parts.values();
  const lane = async (): Promise<void> => {
    for (const part of left) results.set(part, await drillPart(part));
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, lane));
  console.table(
    parts.map((part) => ({
      fault: part.fault.name,
      scenario: part.scenario.name,
      ...count(results.get(part) ?? []),
    })),
  );
  const { held, failed } = count([...results.values()].flat());
  return { held, failed };
}

/** On its own host, so that nothing an earlier part left slows it down. */
async function drillPart(part: Part): Promise<readonly FaultResult[]> {
  const { fault, scenario } = part;
  const lines: string[] = [];
  const matrix = await openFaultMatrix();
  try {
    const results: FaultResult[] = [];
    for (const target of await matrix.steps(scenario, fault)) {
      const result = await matrix.strike(scenario, fault, target);
      results.push(result);
      const verdict = result.disorder.length > 0 ? 'FAILED' : result.wasReached ? 'ok' : 'not reached';
      const seen = result.seen === undefined ? '' : `, and the user saw: ${result.seen}`;
      lines.push(
        `  ${verdict}: ${target.step} (${target.nth})${seen}`,
        ...result.disorder.map((line) => `    ${line}`),
      );
    }
    return results;
  } finally {
    console.log([nameOf(part), ...lines].join('\n'));
    await matrix.close();
  }
}

function count(results: readonly FaultResult[]) {
  const failed = results.filter(({ disorder }) => disorder.length > 0).length;
  const missed = results.filter(({ wasReached, disorder }) => !wasReached && disorder.length === 0).length;
  return { faults: results.length, held: results.length - failed - missed, 'not reached': missed, failed };
}
