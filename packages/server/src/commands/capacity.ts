import { SallyportError } from '@sallyport/core';
import { connectAgent } from '@sallyport/machines';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';

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
import { defaultUnlessNamed } from './context.ts';
import type { CommandContext } from './context.ts';
import { wholeNumber } from './option-values.ts';

/** The second host where none is given. */
const OTHER_HOST = { cores: 20, memory: 62, disk: 100 } as const;
/** An emulated machine goes on working for a while after its agent has answered for the first time. */
const SETTLE_MS = 30_000;
const WATCH_MS = 30_000;
const DEFAULT_MACHINES = 3;
const MOST_MACHINES = 50;

/** The size of a host: processors, gigabytes of memory, gigabytes of disk. */
interface HostSize {
  readonly cores: number;
  readonly memory: number;
  readonly disk: number;
}

type CapacityContext = Pick<CommandContext, 'words' | 'clock' | 'print' | 'loadConfig' | 'environment' | 'interrupted'>;

/** `sallyport capacity`: says how many users' machines this host and another one hold, or measures what a machine takes. */
export function registerCapacity(program: Command, context: CapacityContext): void {
  const prepare = async (): Promise<DriverCommand> => {
    const { dataDirectory } = context.environment();
    const { clock, print } = context;
    return { config: await context.loadConfig(), dataDirectory, clock, print, signal: context.interrupted() };
  };
  const group = program
    .command('capacity')
    .description("say how many users' machines this host and another one hold, and what limits it");
  group
    .command('estimate', defaultUnlessNamed(context))
    .description('print the table (default)')
    .optionsGroup('Options of estimate:')
    .option('--cores <n>', 'processors of the other host', wholeNumber(1, 4096), OTHER_HOST.cores)
    .option('--memory <gb>', 'memory of the other host', gigabytes(65_536), OTHER_HOST.memory)
    .option('--disk <gb>', 'disk of the other host', gigabytes(1_048_576), OTHER_HOST.disk)
    .action(async (size: HostSize) => show(size, await prepare()));
  group
    .command('measure')
    .description(
      'start a few machines of the configured driver, keep what each takes in the data directory, and remove them. ' +
        'The server must not run meanwhile',
    )
    .optionsGroup('Options of measure:')
    .option('--machines <n>', 'how many', wholeNumber(1, MOST_MACHINES), DEFAULT_MACHINES)
    .action(async ({ machines }: { readonly machines: number }) => measure(machines, await prepare()));
}

async function show({ cores, memory, disk }: HostSize, command: DriverCommand): Promise<void> {
  const { config, dataDirectory, print } = command;
  const size = { processors: cores, memoryMb: memory * 1024 };
  const other: Host = { ...size, diskMb: disk * 1024, capacity: defaultCapacity(size) };
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
async function costsOf({ config, dataDirectory }: DriverCommand): Promise<readonly MachineCost[]> {
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

async function measure(machines: number, command: DriverCommand): Promise<void> {
  const { clock, signal, print } = command;
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

function gigabytes(most: number): (given: string) => number {
  return (given) => {
    const value = /^\d+(\.\d+)?$/.test(given) ? Number(given) : 0;
    if (value > 0 && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number of gigabytes, more than 0 and at most ${most}.`);
  };
}
