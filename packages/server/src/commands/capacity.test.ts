import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { systemClock } from '@sallyport/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { runCommand } from '../../../../test/setup/run-command.ts';
import { saveCost } from '../capacity/machine-cost.ts';
import type { MachineCost } from '../capacity/machine-cost.ts';
import { loadConfig } from '../config/load-config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { readEnvironment } from '../config/environment.ts';
import { registerCapacity } from './capacity.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp-capacity-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

interface Given {
  readonly words?: readonly string[];
  readonly options?: Readonly<Record<string, string>>;
  readonly driver?: LoadedConfig['driver'];
}

async function run({ words = [], options = {}, driver = 'process' }: Given): Promise<string> {
  const config = await loadConfig(resolve(import.meta.dirname, '../../../../sallyport.config.ts'));
  const lines: string[] = [];
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  await runCommand(registerCapacity, ['capacity', ...words, ...flags], (given) => ({
    words: given,
    loadConfig: () =>
      Promise.resolve({ ...config, driver, capacity: { ...config.capacity, memoryMb: 3 * 384, vcpus: 64 } }),
    environment: () => readEnvironment({ SALLYPORT_DATA_DIR: join(folder, 'data') }, folder),
    clock: systemClock,
    interrupted: () => new AbortController().signal,
    print: (line) => lines.push(line),
  }));
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
  it.each<[Given, string]>([
    [{ options: { cores: '0' } }, "'--cores <n>' argument '0' is invalid. It must be a whole number from 1 to 4096."],
    [{ options: { cores: '2.5' } }, "argument '2.5' is invalid. It must be a whole number"],
    [{ options: { cores: '-4' } }, "argument '-4' is invalid. It must be a whole number"],
    [
      { options: { memory: 'much' } },
      "'much' is invalid. It must be a number of gigabytes, more than 0 and at most 65536.",
    ],
    [{ options: { memory: '0' } }, "'--memory <gb>' argument '0' is invalid"],
    [{ options: { disk: '1e9' } }, "'--disk <gb>' argument '1e9' is invalid"],
    [{ options: { machines: '3' } }, "unknown option '--machines'"],
    [{ words: ['mesure'] }, "unknown command 'mesure'\n(Did you mean measure?)"],
    [{ words: ['measure'], options: { cores: '3' } }, "unknown option '--cores'"],
    [{ words: ['measure'], options: { machines: '1000' } }, 'from 1 to 50'],
  ])('%o is refused by name', async (given, message) => {
    await expect(run(given)).rejects.toThrow(message);
  });

  it('is said of a driver that nobody has measured, with how to', async () => {
    await expect(run({ driver: { kind: 'qemu', accelerator: 'kvm' } })).rejects.toMatchObject({
      message: 'Nobody has measured what a machine of the driver "qemu" takes.',
      hint: expect.stringContaining('sallyport capacity measure'),
    });
  });
});
