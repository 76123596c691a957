import { globSync } from 'node:fs';
import { mkdtemp, realpath, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { systemClock } from '@sallyport/core';
import type { Machine, MachineDriver } from '@sallyport/core/driver';
import { connectAgent, createDirectEgress, createProcessDriver } from '@sallyport/machines';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { checkPersistence } from './check-persistence.ts';
import { compareSnapshots } from './compare.ts';
import { writeProbeCli } from './probe-cli.ts';

const { signal } = new AbortController();
let folder: string;
let driver: MachineDriver;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-persist-')));
  driver = await createProcessDriver({ dataDirectory: folder, clock: systemClock, isolation: 'none' });
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function check(checked: MachineDriver): Promise<{ readonly differences: readonly string[]; lines: string[] }> {
  const egress = createDirectEgress({ directory: join(folder, 'egress'), clock: systemClock });
  const probe = join(folder, 'probe');
  await writeProbeCli(probe);
  const lines: string[] = [];
  const differences = await checkPersistence({
    driver: checked,
    connectAgent,
    agent: agentBundle(),
    probe,
    openEgress: async (machineId) => (await egress.reserve?.(machineId, { signal })) ?? expect.fail('no egress'),
    cycles: 1,
    clock: systemClock,
    signal,
    print: (line) => lines.push(line),
  });
  return { differences, lines };
}

it('finds everything on machines that keep it, and leaves none of them', async () => {
  expect(await check(driver)).toEqual({ differences: [], lines: ['cycle 1 of 1: everything is there'] });
  expect(await driver.list()).toEqual([]);
});

it('names the file that a machine loses at its end, and the step', async () => {
  const forgetful: MachineDriver = {
    ...driver,
    create: async (plan, options) => forgetAtTheEnd(await driver.create(plan, options)),
  };
  const { differences, lines } = await check(forgetful);
  expect(differences).toEqual([
    expect.stringMatching(
      /^cycle 1, after a clean stop: round-1\/megabyte was "file 6\d\d 1 1048576 .*" and is "file 6\d\d 1 0 /,
    ),
    expect.stringMatching(/^cycle 1, after the kill: round-1\/megabyte was /),
  ]);
  expect(lines).toEqual(['cycle 1 of 1: 2 differences']);
});

function forgetAtTheEnd(machine: Machine): Machine {
  return {
    ...machine,
    stop: async (options) => {
      await machine.stop(options);
      for (const path of globSync(join(folder, 'machines/*/**/work/persistence/round-1/megabyte')))
        await truncate(path);
    },
  };
}

it('tells what is gone from what is another and from what was never there', () => {
  const expected = new Map([
    ['a', 'file 1'],
    ['b', 'file 2'],
    ['c', 'file 3'],
  ]);
  const found = new Map([
    ['a', 'file 1'],
    ['b', 'file 9'],
    ['d', 'file 4'],
  ]);
  expect(compareSnapshots(expected, found)).toEqual([
    'b was "file 2" and is "file 9"',
    'c is gone',
    'd has come from nowhere',
  ]);
});
