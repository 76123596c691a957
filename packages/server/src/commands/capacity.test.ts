import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { systemClock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { saveCost } from '../capacity/machine-cost.ts';
import type { MachineCost } from '../capacity/machine-cost.ts';
import { loadConfig } from '../config/load-config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { capacityCommand } from './capacity.ts';
import type { CapacityCommand } from './capacity.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-capacity-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

interface Given {
  readonly words?: readonly string[];
  readonly options?: CapacityCommand['options'];
  readonly driver?: LoadedConfig['driver'];
}

async function run({ words = [], options = {}, driver = 'process' }: Given): Promise<string> {
  const config = await loadConfig(resolve(import.meta.dirname, '../../../../sallyport.config.ts'));
  const lines: string[] = [];
  await capacityCommand(words, {
    config: { ...config, driver, capacity: { ...config.capacity, memoryMb: 3 * 384, vcpus: 64 } },
    dataDirectory: join(folder, 'data'),
    clock: systemClock,
    signal: new AbortController().signal,
    print: (line) => lines.push(line),
    options,
  });
  return lines.join('\n');
}

const measured: MachineCost = {
  driver: 'qemu',
  accelerator: 'kvm',
  measuredAt: '2026-01-02T03:04:05.000Z',
  command: 'sallyport capacity measure --machines 3',
  host: 'a host',
  machines: 3,
  plan: { memoryMb: 384, vcpus: 1, diskMb: 1024 },
  running: { memoryMb: 100, processors: 0.01 },
  resting: { kind: 'hibernated', diskMb: 1, snapshotMb: 80 },
};

it('shows this host as it is configured beside one of 20 cores and 62 GB, and leaves the disk as it was', async () => {
  const text = await run({});
  expect(text).toContain('A machine of process:');
  expect(text).toMatch(/^ +\d+ processors +20 processors$/m);
  expect(text).toMatch(/^ +[\d.]+ GB of memory +62 GB of memory$/m);
  // 62 GB but an eighth.
  expect(text).toMatch(/^ {2}memory reserved +3 +144$/m);
  expect(await readdir(folder)).toEqual([]);
});

it('takes another host as it is told', async () => {
  const text = await run({ options: { cores: '4', memory: '15.5', disk: '2000' } });
  expect(text).toMatch(/ 4 processors$/m);
  expect(text).toMatch(/ 16 GB of memory$/m);
  expect(text).toMatch(/ 2000 GB of disk free$/m);
  expect(text).toMatch(/^ {2}vCPUs reserved +64 +32$/m);
});

it('shows what was measured on this host, of the accelerator that is configured', async () => {
  const data = join(folder, 'data');
  await mkdir(data);
  await saveCost(data, measured);
  await saveCost(data, { ...measured, accelerator: 'tcg', running: { memoryMb: 200, processors: 0.01 } });
  const text = await run({ driver: { kind: 'qemu', accelerator: 'tcg' } });
  expect(text).toContain('A machine of qemu with tcg:\n  running and idle: 200 MB of memory (PSS)');
  expect(text).not.toContain('kvm');
  expect(await run({ driver: 'qemu' })).toContain('A machine of qemu with kvm:');
});

describe('what cannot be answered', () => {
  it.each<[Given['options'] & object, string]>([
    [{ cores: '0' }, '--cores must be a whole number'],
    [{ cores: '2.5' }, '--cores must be a whole number'],
    [{ cores: '-4' }, '--cores must be a whole number'],
    [{ memory: 'much' }, '--memory must be a number of gigabytes, more than 0 and at most 65536; "much" is not.'],
    [{ memory: '0' }, '--memory must be'],
    [{ disk: '1e9' }, '--disk must be'],
    [{ machines: '3' }, '--machines says nothing to "capacity"'],
  ])('%o is refused by name', async (options, message) => {
    await expect(run({ options })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining('Usage: sallyport capacity'),
    });
  });

  it('is refused with the usage', async () => {
    await expect(run({ words: ['guess'] })).rejects.toThrow('There is no command "capacity guess".');
    await expect(run({ words: ['measure'], options: { cores: '3' } })).rejects.toThrow(
      '--cores says nothing to "capacity measure".',
    );
    await expect(run({ words: ['measure'], options: { machines: '1000' } })).rejects.toThrow('at most 50');
  });

  it('is said of a driver that nobody has measured, with how to', async () => {
    await expect(run({ driver: { kind: 'qemu', accelerator: 'kvm' } })).rejects.toMatchObject({
      message: 'Nobody has measured what a machine of the driver "qemu" takes.',
      hint: expect.stringContaining('sallyport capacity measure'),
    });
  });
});
