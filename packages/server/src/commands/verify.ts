import { SallyportError } from '@sallyport/core';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';

import { hasPassed, renderTable } from '../verify/report.ts';
import { verifyProvider } from '../verify/verify-provider.ts';
import type { CommandContext } from './context.ts';
import { wholeNumber } from './option-values.ts';

interface VerifyOptions {
  readonly cliVersion?: string;
  readonly latest?: number;
  readonly oldestWithinDays?: number;
  readonly directory?: string;
}

/** `sallyport providers verify`: prints what each release of a provider's CLI does. */
export function registerVerify(
  group: Command,
  context: Pick<CommandContext, 'configFile' | 'print' | 'exitWith'>,
): void {
  group
    .command('verify')
    .description(
      'install the CLI of a provider in a clean place and take it through every login method, a prompt, a refresh and ' +
        'a logout against a fake vendor',
    )
    .argument('<id>', 'the provider')
    .optionsGroup('Options of verify:')
    .option('--cli-version <version>', 'this release (default: the pinned one)', parseVersion)
    .addOption(
      new Option('--latest <n>', 'the newest n releases').argParser(wholeNumber(1, 99)).conflicts('cliVersion'),
    )
    .addOption(
      new Option('--oldest-within-days <n>', 'also the oldest release of the last n days')
        .argParser(wholeNumber(1, 3650))
        .implies({ latest: 1 })
        .conflicts('cliVersion'),
    )
    .option('--directory <directory>', 'where to install the CLIs (default: one that is removed afterwards)')
    .action(async (provider: string, options: VerifyOptions) => {
      if (!(await verify(provider, options, context))) context.exitWith(1);
    });
}

/** Resolves to whether all of it works. */
async function verify(
  provider: string,
  { cliVersion, latest, oldestWithinDays, directory }: VerifyOptions,
  { configFile, print }: Pick<CommandContext, 'configFile' | 'print'>,
): Promise<boolean> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort(new SallyportError('LOGIN_CANCELLED', 'The verification was stopped.'));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  const reports = await verifyProvider({
    configFile: configFile(),
    provider,
    releases: latest === undefined ? (cliVersion === undefined ? [] : [cliVersion]) : { latest, oldestWithinDays },
    clisDirectory: directory,
    signal: stopped.signal,
    onProgress: (message) => console.error(message),
  });
  for (const { title, package: name } of reports.slice(0, 1)) print(`${title} (${name}) against a fake vendor\n`);
  print(renderTable(reports));
  return reports.every(hasPassed);
}

function parseVersion(given: string): string {
  if (/^\d+\.\d+\.\d+$/.test(given)) return given;
  throw new InvalidArgumentError('It must be an exact version such as 1.2.3.');
}
