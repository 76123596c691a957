import { systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';
import type { Command } from 'commander';

import { readEnvironment } from '../config/environment.ts';
import type { ServerEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load-config.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import { withStore } from './open-store.ts';

/** What a command of `sallyport` works with. */
export interface CommandContext {
  /** The command line without flags: command, subcommand and arguments. */
  readonly words: readonly string[];
  readonly clock: Clock;
  readonly print: (line: string) => void;
  /** What a reader should know and a script that reads the output should not get. */
  readonly remark: (line: string) => void;
  /** Of the process. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Path of the configuration file that --config or --demo names. */
  readonly configFile: () => string;
  readonly loadConfig: () => Promise<LoadedConfig>;
  /** Used where SALLYPORT_DATA_DIR is not set. */
  readonly dataDirectory: () => string;
  readonly environment: () => ServerEnvironment;
  /** Opens the store of the server, whether that runs at the moment or not, and closes it after the work. */
  readonly withStore: (work: (store: Store) => Promise<void>) => Promise<void>;
  /** Aborts when the process is interrupted. */
  readonly interrupted: () => AbortSignal;
  /** The exit code of the process once the command is done. Default 0. */
  readonly exitWith: (code: number) => void;
}

/** The context of this process. `--demo` and `--config` are looked up when a command runs. */
export function createContext(program: Command, args: readonly string[]): CommandContext {
  const flags = (): { readonly demo?: boolean; readonly config?: string } => program.opts();
  const configFile = (): string =>
    flags().config ?? (flags().demo ? 'sallyport.demo.config.ts' : 'sallyport.config.ts');
  const dataDirectory = (): string => (flags().demo ? '.sallyport/demo' : '.sallyport/data');
  const environment = (): ServerEnvironment => {
    const SALLYPORT_DATA_DIR = process.env['SALLYPORT_DATA_DIR'] || dataDirectory();
    return readEnvironment({ ...process.env, SALLYPORT_DATA_DIR }, process.cwd());
  };
  return {
    words: program.parseOptions([...args]).operands,
    clock: systemClock,
    print: (line) => console.log(line),
    remark: (line) => console.error(line),
    variables: process.env,
    configFile,
    loadConfig: () => loadConfig(configFile()),
    dataDirectory,
    environment,
    withStore: (work) => withStore(environment(), work),
    interrupted: () => {
      const stop = new AbortController();
      process.once('SIGINT', () => stop.abort(new Error('Interrupted.')));
      return stop.signal;
    },
    exitWith: (code) => {
      process.exitCode = code;
    },
  };
}

/**
 * Makes a subcommand the default of its group, but only if no word follows the group. Commander would hand any other word to
 * the default as an argument, and could not say which subcommand it is close to.
 */
export function defaultUnlessNamed({ words }: Pick<CommandContext, 'words'>, depth: 0 | 1 = 1) {
  return { isDefault: words.length <= depth };
}
