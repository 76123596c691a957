import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { connectAgent } from '@sallyport/machines';

import { withDriver } from '../bare-machines/with-driver.ts';
import type { DriverCommand } from '../bare-machines/with-driver.ts';
import { checkPersistence } from '../persistence/check-persistence.ts';
import { writeProbeCli } from '../persistence/probe-cli.ts';

/** What `sallyport persistence` works with. */
export interface PersistenceCommand extends DriverCommand {
  /** As it was given on the command line. */
  readonly cycles: string | undefined;
}

export const persistenceUsage = 'sallyport persistence check [--cycles N]';

const DEFAULT_CYCLES = 20;
const MOST_CYCLES = 1000;

/** Checks that nothing a user has written is lost with the configured driver. Resolves to whether that is so. */
export async function persistenceCommand(words: readonly string[], command: PersistenceCommand): Promise<boolean> {
  const { clock, signal, print } = command;
  if (words.join(' ') !== 'check') {
    throw new SallyportError('CONFIG_INVALID', `There is no command "persistence ${words.join(' ')}".`, {
      hint: `Usage: ${persistenceUsage}`,
    });
  }
  const cycles = parseCycles(command.cycles);
  return withDriver(command, async ({ driver, agent, dataDirectory, openEgress }) => {
    const probe = await mkdtemp(join(dataDirectory, 'persistence-'));
    try {
      await writeProbeCli(probe);
      print(driver.features.isolation);
      const check = { driver, connectAgent, agent, probe, openEgress, cycles, clock, signal, print };
      const differences = await checkPersistence(check);
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

function parseCycles(given: string | undefined): number {
  const cycles = given === undefined ? DEFAULT_CYCLES : Number(given);
  if (Number.isInteger(cycles) && cycles >= 1 && cycles <= MOST_CYCLES) return cycles;
  throw new SallyportError('CONFIG_INVALID', `--cycles must be a whole number from 1 to ${MOST_CYCLES}.`, {
    hint: `Usage: ${persistenceUsage}`,
  });
}
