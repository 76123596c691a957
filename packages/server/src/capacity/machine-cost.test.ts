import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { COSTS_FILE, readCosts, saveCost } from './machine-cost.ts';
import type { MachineCost } from './machine-cost.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-costs-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const cost = (accelerator: string, memoryMb: number): MachineCost => ({
  driver: 'qemu',
  accelerator,
  measuredAt: '2026-01-02T03:04:05.000Z',
  command: 'sallyport capacity measure',
  host: 'a host',
  machines: 3,
  plan: { memoryMb: 384, vcpus: 1, diskMb: 1024 },
  running: { memoryMb, processors: 0.01 },
  resting: { kind: 'hibernated', diskMb: 1, snapshotMb: 80 },
});

it('keeps the newest measurement of each kind of machine', async () => {
  expect(await readCosts(folder)).toEqual([]);
  await saveCost(folder, cost('tcg', 200));
  await saveCost(folder, cost('kvm', 100));
  await saveCost(folder, cost('tcg', 190));
  expect(await readCosts(folder)).toEqual([cost('kvm', 100), cost('tcg', 190)]);
  expect(await readdir(folder)).toEqual([COSTS_FILE]);
});

it.each(['not JSON', '{}', JSON.stringify({ version: 1, costs: [{ ...cost('tcg', -1) }] })])(
  'says what to do with a file that holds %s',
  async (text) => {
    await writeFile(join(folder, COSTS_FILE), text);
    await expect(readCosts(folder)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${join(folder, COSTS_FILE)} does not hold what a measurement writes.`,
      hint: expect.stringContaining('sallyport capacity measure'),
    });
  },
);
