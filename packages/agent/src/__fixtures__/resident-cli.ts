import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { executeEventSchema } from '@sallyport/core/protocol';
import type { ExecuteEvent, ExecuteRequest } from '@sallyport/core/protocol';
import { expect } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { isRunning, readEvents } from './test-agent.ts';
import type { TestAgent } from './test-agent.ts';

/** For tests of CLIs whose process may stay. Their scripts note its id in `~/pids` when they start. */

/** How a prompt ends that leaves its process running. */
export const exit = { type: 'exit', code: 0, signal: null, reason: 'ended' };

/** Runs a prompt to its end. */
export async function execute(agent: TestAgent, body: ExecuteRequest): Promise<readonly ExecuteEvent[]> {
  const events: ExecuteEvent[] = [];
  for await (const { data } of readEvents(await agent.open('POST', '/execute', body))) {
    events.push(executeEventSchema.parse(data));
  }
  return events;
}

/** The lines of a file in the home; none where there is no such file. */
export async function linesOf(agent: TestAgent, name: string): Promise<readonly string[]> {
  const text = await readFile(join(agent.home, name), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean);
}

/** The processes that were started, in order. */
export async function pidsOf(agent: TestAgent): Promise<readonly number[]> {
  return (await linesOf(agent, 'pids')).map(Number);
}

export function untilEnded(pid: number | undefined): Promise<void> {
  return until('the process to end', async () => pid !== undefined && !(await isRunning(pid)));
}

/** The first process has ended, and one other was started. */
export async function expectFresh(agent: TestAgent): Promise<void> {
  const [first, second, ...more] = await pidsOf(agent);
  expect([second, more]).toEqual([expect.any(Number), []]);
  await untilEnded(first);
}
