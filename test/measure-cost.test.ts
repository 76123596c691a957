import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { systemClock } from '@sallyport/core';
import type { MachineDriver } from '@sallyport/core/driver';
import { connectAgent, createDirectEgress, createProcessDriver } from '@sallyport/machines';
import { createFakeDriver } from '@sallyport/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { measureCost } from '../packages/server/src/capacity/measure-cost.ts';
import type { CostMeasurement } from '../packages/server/src/capacity/measure-cost.ts';

const { signal } = new AbortController();
let folder: string;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-cost-')));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function measurement(driver: MachineDriver, more: Partial<CostMeasurement> = {}): CostMeasurement {
  const egress = createDirectEgress({ directory: join(folder, 'egress'), clock: systemClock });
  return {
    driver,
    agent: agentBundle(),
    dataDirectory: folder,
    openEgress: async (machineId) => (await egress.reserve?.(machineId, { signal })) ?? expect.fail('no egress'),
    connectAgent,
    machines: 2,
    settleMs: 100,
    watchMs: 500,
    command: 'sallyport capacity measure',
    clock: systemClock,
    signal,
    print: () => undefined,
    ...more,
  };
}

it('measures what machines take, and leaves none of them', async () => {
  const driver = await createProcessDriver({ dataDirectory: folder, clock: systemClock, isolation: 'none' });
  const cost = await measureCost(measurement(driver));
  expect(cost).toMatchObject({
    driver: 'process',
    machines: 2,
    plan: { memoryMb: 384, vcpus: 1, diskMb: 1024 },
    resting: { kind: 'stopped', snapshotMb: 0 },
  });
  expect(cost.accelerator).toBeUndefined();
  // Each has its own Node.js process, and a directory with a record.
  expect(cost.running.memoryMb).toBeGreaterThan(20);
  expect(cost.running.memoryMb).toBeLessThan(384);
  expect(cost.resting.diskMb).toBeGreaterThan(0);
  expect(await driver.list()).toEqual([]);
});

it('gives no figures where it sees no process, and removes the machines all the same', async () => {
  const fake = createFakeDriver();
  await expect(
    measureCost(measurement(fake.driver, { connectAgent: fake.connectAgent, settleMs: 0 })),
  ).rejects.toMatchObject({ code: 'CONFIG_HOST_UNSUITABLE', message: expect.stringContaining('"fake"') });
  expect(fake.machines.map(({ destroyed }) => destroyed)).toEqual([true, true]);
});
