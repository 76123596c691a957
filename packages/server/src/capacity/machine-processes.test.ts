import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { afterEach, expect, it } from 'vitest';

import { until } from '../../../../test/setup/until.ts';
import { findProcesses, measureProcesses } from './machine-processes.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const { pid } of children.splice(0)) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
});

/** A process with a child. Both do nothing, and the child's environment is empty. */
async function idle(environment: Record<string, string>, words: readonly string[] = []): Promise<number> {
  const script = 'env -i /bin/sleep 600 & echo ready; exec /bin/sleep 600';
  const child = spawn('/bin/sh', ['-c', script, 'idle', ...words], {
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await once(createInterface({ input: child.stdout }), 'line');
  const pid = child.pid ?? Number.NaN;
  await until('the process to sleep', () => isAsleep(pid));
  return pid;
}

/** Whether the shell has become `sleep`, and that has begun: until then its memory changes, or is not there at all. */
function isAsleep(pid: number): boolean {
  const [program, state] = ['cmdline', 'stat'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1'));
  return program === '/bin/sleep\x00600\0' && /\) S /.test(state ?? '');
}

const newMachineId = (): string => `m-${randomUUID()}`;

it('tells by what a process was started with which machine it is of, with all it has started', async () => {
  // All of this host's processes are looked through, and another run of this test may be under way.
  const [first, second, none] = [newMachineId(), newMachineId(), newMachineId()];
  const one = await idle({ SOCKET: `/data/machines/${first}/run` });
  await idle({ SOCKET: `/data/machines/${second}/run` });
  await idle({ BOTH: `${first} ${second}` });
  const found = await findProcesses([first, second, none]);
  expect([...found].map(([id, pids]) => [id, pids.length])).toEqual([
    [first, 2],
    [second, 2],
    [none, 0],
  ]);
  expect(found.get(first)).toContain(one);
});

it('adds up memory and processor time, and passes over what has ended', async () => {
  const used = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const before = used();
  const use = await measureProcesses([process.pid, 2 ** 22 + 1]);
  const after = used();
  expect(use.processes).toBe(1);
  // It is told in ticks of a hundredth of a second.
  expect(use.processorSeconds).toBeGreaterThan(before - 0.05);
  expect(use.processorSeconds).toBeLessThan(after + 0.05);
  expect(use.accelerator).toBeUndefined();
});

it('counts the share of a process in the memory it has with others', async () => {
  // It sleeps, so that its memory is the same before and after; how many share its libraries is not.
  const pid = await idle({});
  const { memoryMb } = await measureProcesses([pid]);
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const sizeMb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]) / 1024;
  expect(memoryMb).toBeGreaterThanOrEqual(sizeMb('Private_Clean') + sizeMb('Private_Dirty'));
  expect(memoryMb).toBeLessThanOrEqual(sizeMb('Rss'));
});
