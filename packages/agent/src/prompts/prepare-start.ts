import { mkdir } from 'node:fs/promises';

import { cliCommand } from '../cli/cli-command.ts';
import type { CliCommand } from '../cli/cli-command.ts';
import { cliEnvironment } from '../cli/cli-environment.ts';
import type { CliSurroundings } from '../cli/cli-environment.ts';
import { cliPlace } from '../cli/cli-place.ts';
import type { PlaceConfig } from '../cli/cli-place.ts';
import type { HiddenPath } from '../cli/hidden-paths.ts';
import type { MayPin } from '../cli/pinned-paths.ts';
import { writeSettings } from '../cli/settings.ts';
import type { CliStart } from './cli-process.ts';
import type { CliRun } from './prompt-runner.ts';

/** How a CLI is started. */
export interface PreparedStart extends CliStart {
  /** Its home as the agent sees it. */
  readonly home: string;
  /** What it must not see. */
  readonly hiddenPaths: readonly HiddenPath[];
  /** What it can neither rename nor remove. */
  readonly pinnedPaths: readonly HiddenPath[];
  /** The command of a process that stays, without the conversation that it was started to continue. */
  readonly kept: CliCommand;
}

/** Makes the directories and settings that the CLI needs, and says how it is started. */
export async function prepareStart(
  command: CliRun,
  boot: PlaceConfig,
  surroundings: CliSurroundings,
  mayPin: MayPin,
): Promise<PreparedStart> {
  const programWith = (argv: readonly string[]): CliCommand =>
    cliCommand(boot.clis, command.provider, command.cli, argv);
  const program = programWith(command.argv);
  const place = cliPlace(boot, command.provider);
  const { home } = place;
  await place.prepare();
  await writeSettings(home, command.cli.settings);
  const cwd = place.workDirectory(command.workingDirectory);
  await mkdir(cwd, { recursive: true });
  const env = cliEnvironment(surroundings, place.homeSeen(home), command.cli.env, command.env);
  const hiddenPaths = await place.hiddenPaths(cwd, command.cli.hiddenInWork);
  const pinnedPaths = await place.pinnedPaths(command.cli, mayPin);
  const inSandbox = (of: CliCommand): CliCommand =>
    place.command(of, { home, cwd, opensLinks: false, hiddenPaths, pinnedPaths });
  const started = inSandbox(program);
  const keptArgv = command.messages?.resident?.argv;
  const kept = keptArgv ? inSandbox(programWith(keptArgv)) : started;
  return { ...started, cwd, env, home, hiddenPaths, pinnedPaths, kept };
}
