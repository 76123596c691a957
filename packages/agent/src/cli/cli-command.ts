import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { cliPrograms, isJavaScript } from '@sallyport/core/engine';
import type { BootConfig, CliLaunch } from '@sallyport/core/protocol';

/** A CLI on this machine: the file to start, and the arguments that come first. */
export interface CliCommand {
  readonly file: string;
  readonly argv: readonly string[];
}

/** Finds a provider's CLI: the first of its manifest's programs that is installed. A JavaScript file is run with the agent's own Node; there may be no other. */
export function cliCommand(
  clis: BootConfig['clis'],
  provider: string,
  cli: Pick<CliLaunch, 'bin'>,
  argv: readonly string[],
): CliCommand {
  const folder = Object.hasOwn(clis, provider) ? clis[provider] : undefined;
  if (folder === undefined) {
    throw new SallyportError('PROVIDER_CLI_MISSING', `This machine was started without the CLI of ${provider}.`, {
      hint: 'Start the machine again; it gets the CLI then.',
    });
  }
  const platform = `${process.platform}-${process.arch}`;
  const programs = cliPrograms(cli, platform);
  if (programs.length === 0) {
    throw new SallyportError('PROVIDER_CLI_MISSING', `The manifest of ${provider} names no program for ${platform}.`, {
      hint: 'Run this provider on one of the platforms its manifest lists.',
    });
  }
  const program = programs.find((path) => existsSync(join(folder, path)));
  if (program === undefined) {
    throw new SallyportError(
      'PROVIDER_CLI_MISSING',
      `The CLI of ${provider} on this machine has no ${programs.join(' and no ')}.`,
      { hint: 'Name in `cli.bin` of its manifest where this release has its program, and start the machine again.' },
    );
  }
  const file = join(folder, program);
  return isJavaScript(program) ? { file: process.execPath, argv: [file, ...argv] } : { file, argv };
}
