import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { BootConfig, CliLaunch } from '@sallyport/core';

/** A CLI on this machine: the file to start, and the arguments that come first. */
export interface CliCommand {
  readonly file: string;
  readonly argv: readonly string[];
}

/** Finds a provider's CLI. A JavaScript file is run with the agent's own Node; there may be no other. */
export function cliCommand(
  clis: BootConfig['clis'],
  provider: string,
  cli: CliLaunch,
  argv: readonly string[],
): CliCommand {
  const folder = Object.hasOwn(clis, provider) ? clis[provider] : undefined;
  if (folder === undefined) {
    throw new SallyportError('PROVIDER_CLI_MISSING', `This machine was started without the CLI of ${provider}.`, {
      hint: 'Start the machine again; it gets the CLI then.',
    });
  }
  const platform = `${process.platform}-${process.arch}`;
  const binary = cli.bin[platform];
  if (binary === undefined) {
    throw new SallyportError('PROVIDER_CLI_MISSING', `The manifest of ${provider} names no program for ${platform}.`, {
      hint: 'Run this provider on one of the platforms its manifest lists.',
    });
  }
  const file = join(folder, binary);
  return /\.[cm]?js$/.test(file) ? { file: process.execPath, argv: [file, ...argv] } : { file, argv };
}
