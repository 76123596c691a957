import { SallyportError } from '@sallyport/core';
import { connectAgent } from '@sallyport/machines';

import { withDriver } from '../bare-machines/with-driver.ts';
import type { DriverCommand } from '../bare-machines/with-driver.ts';
import { defaultCapacity } from '../capacity/defaults.ts';
import { estimate } from '../capacity/estimate.ts';
import type { Host } from '../capacity/estimate.ts';
import { costLines, estimateTable } from '../capacity/estimate-table.ts';
import { kindOf, readCosts, saveCost } from '../capacity/machine-cost.ts';
import type { MachineCost } from '../capacity/machine-cost.ts';
import { measureCost } from '../capacity/measure-cost.ts';
import { shippedCosts } from '../capacity/shipped-costs.ts';
import { describeThisHost } from '../capacity/this-host.ts';
import { qemuSettings } from '../config/choose-driver.ts';

/** What `sallyport capacity` works with. */
export interface CapacityCommand extends DriverCommand {
  /** As they were given on the command line. */
  readonly options: {
    readonly cores?: string | undefined;
    readonly memory?: string | undefined;
    readonly disk?: string | undefined;
    readonly machines?: string | undefined;
  };
}

export const capacityUsage = `sallyport capacity [--cores N] [--memory GB] [--disk GB]
       sallyport capacity measure [--machines N]`;

/** The second host where none is given. */
const OTHER_HOST = { cores: 20, memory: 62, disk: 100 } as const;
/** An emulated machine goes on working for a while after its agent has answered for the first time. */
const SETTLE_MS = 30_000;
const WATCH_MS = 30_000;
const DEFAULT_MACHINES = 3;
const MOST_MACHINES = 50;

/** Says how many users' machines this host and another one hold, or measures what a machine takes. */
export async function capacityCommand(words: readonly string[], command: CapacityCommand): Promise<void> {
  const { options } = command;
  const isMeasuring = words.join(' ') === 'measure';
  if (words.length > 0 && !isMeasuring) throw usageError(`There is no command "capacity ${words.join(' ')}".`);
  const foreign = isMeasuring ? (['cores', 'memory', 'disk'] as const) : (['machines'] as const);
  const misplaced = foreign.find((name) => options[name] !== undefined);
  if (misplaced !== undefined)
    throw usageError(`--${misplaced} says nothing to "capacity${isMeasuring ? ' measure' : ''}".`);
  return isMeasuring ? measure(command) : show(command);
}

async function show(command: CapacityCommand): Promise<void> {
  const { config, dataDirectory, options, print } = command;
  const cores = parseNumber('cores', options.cores, OTHER_HOST.cores, 4096, 'a whole number');
  const memoryMb = parseNumber('memory', options.memory, OTHER_HOST.memory, 65_536, 'a number of gigabytes') * 1024;
  const diskMb = parseNumber('disk', options.disk, OTHER_HOST.disk, 1_048_576, 'a number of gigabytes') * 1024;
  const size = { processors: cores, memoryMb };
  const other: Host = { ...size, diskMb, capacity: defaultCapacity(size) };
  const hosts = [
    { title: 'this host', host: await describeThisHost(dataDirectory, config.capacity) },
    { title: 'the other', host: other },
  ];
  for (const cost of await costsOf(command)) {
    print(`A machine of ${kindOf(cost)}:`);
    for (const line of costLines(cost)) print(`  ${line}`);
    print('');
    const columns = hosts.map(({ title, host }) => ({ title, host, estimate: estimate(host, cost) }));
    for (const line of estimateTable(cost, columns)) print(line);
    print('');
  }
}

/** Of the configured driver: what was measured here, else what comes with Sallyport. */
async function costsOf({ config, dataDirectory }: CapacityCommand): Promise<readonly MachineCost[]> {
  const { driver } = config;
  const qemu = qemuSettings(driver);
  const name = qemu?.kind ?? (typeof driver === 'object' && 'name' in driver ? driver.name : driver);
  const isMeant = (cost: MachineCost): boolean =>
    (typeof name !== 'string' || cost.driver === name) &&
    (qemu?.accelerator === undefined || qemu.accelerator === 'auto' || cost.accelerator === qemu.accelerator);
  const own = (await readCosts(dataDirectory)).filter(isMeant);
  const found = own.length > 0 || typeof name !== 'string' ? own : shippedCosts.filter(isMeant);
  if (found.length > 0) return found;
  const which = typeof name === 'string' ? `the driver "${name}"` : 'the configured driver';
  throw new SallyportError('CONFIG_INVALID', `Nobody has measured what a machine of ${which} takes.`, {
    hint: 'Measure it on this host, while no server runs: sallyport capacity measure',
  });
}

async function measure(command: CapacityCommand): Promise<void> {
  const { clock, options, signal, print } = command;
  const machines = parseNumber('machines', options.machines, DEFAULT_MACHINES, MOST_MACHINES, 'a whole number');
  await withDriver(command, async (bare) => {
    print(`Machines: ${bare.driver.features.isolation}`);
    const asked = `sallyport capacity measure --machines ${machines}`;
    const watching = { machines, settleMs: SETTLE_MS, watchMs: WATCH_MS, command: asked };
    const cost = await measureCost({ ...bare, ...watching, connectAgent, clock, signal, print });
    await saveCost(bare.dataDirectory, cost);
    print(`A machine of ${kindOf(cost)}:`);
    for (const line of costLines(cost)) print(`  ${line}`);
  });
}

function parseNumber(
  name: keyof CapacityCommand['options'],
  given: string | undefined,
  normally: number,
  most: number,
  kind: 'a whole number' | 'a number of gigabytes',
): number {
  if (given === undefined) return normally;
  const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
  const isRight = kind === 'a number of gigabytes' ? value > 0 : Number.isInteger(value) && value >= 1;
  if (isRight && value <= most) return value;
  throw usageError(`--${name} must be ${kind}, more than 0 and at most ${most}; "${given}" is not.`);
}

function usageError(message: string): SallyportError {
  return new SallyportError('CONFIG_INVALID', message, { hint: `Usage: ${capacityUsage}` });
}
