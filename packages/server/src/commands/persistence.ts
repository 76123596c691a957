import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { connectAgent } from '@sallyport/machines';
import type { Command } from 'commander';

import { withDriver } from '../bare-machines/with-driver.ts';
import type { DriverCommand } from '../bare-machines/with-driver.ts';
import { checkPersistence } from '../persistence/check-persistence.ts';
import { writeProbeCli } from '../persistence/probe-cli.ts';
import type { CommandContext } from './context.ts';
import { wholeNumber } from './option-values.ts';

const DEFAULT_CYCLES = 20;
const MOST_CYCLES = 1000;

/** `sallyport persistence`: checks that nothing a user has written is lost with the configured driver. */
export function registerPersistence(program: Command, context: CommandContext): void {
  program
    .command('persistence')
    .description('check that machines of the configured driver keep files')
    .command('check')
    .description(
      'write files in a machine, hibernate it, wake it, kill it and boot it, again and again, and say of every file ' +
        'whether it is as it was written. The server must not run meanwhile',
    )
    .optionsGroup('Options of check:')
    .option('--cycles <n>', 'how often', wholeNumber(1, MOST_CYCLES), DEFAULT_CYCLES)
    .action(async ({ cycles }: { readonly cycles: number }) => {
      const { dataDirectory } = context.environment();
      const { clock, print } = context;
      const signal = context.interrupted();
      const command = { config: await context.loadConfig(), dataDirectory, clock, signal, print };
      if (!(await check(cycles, command))) context.exitWith(1);
    });
}

/** Resolves to whether everything was kept. */
async function check(cycles: number, command: DriverCommand): Promise<boolean> {
  const { clock, signal, print } = command;
  return withDriver(command, async ({ driver, agent, dataDirectory, openEgress }) => {
    const probe = await mkdtemp(join(dataDirectory, 'persistence-'));
    try {
      await writeProbeCli(probe);
      print(driver.features.isolation);
      const checked = { driver, connectAgent, agent, probe, openEgress, cycles, clock, signal, print };
      const differences = await checkPersistence(checked);
      differences.forEach(print);
      print(
        differences.length === 0
          ? `${cycles} cycles: every file was as it was written.`
          : `${differences.length} differences in ${cycles} cycles: do not keep anybody's work on these machines.`,
      );
      return differences.length === 0;
    } finally {
      await rm(probe, { recursive: true, force: true });
    }
  });
}
