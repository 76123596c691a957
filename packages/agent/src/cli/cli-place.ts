import { lstat, mkdir, rmdir, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { BootConfig, CliLaunch } from '@sallyport/core/protocol';

import { resolveHomePath } from '../credentials/credential-file.ts';
import type { CliCommand } from './cli-command.ts';
import { hiddenPaths } from './hidden-paths.ts';
import type { HiddenPath } from './hidden-paths.ts';
import { pinnedPaths } from './pinned-paths.ts';
import type { MayPin } from './pinned-paths.ts';
import { sandboxCommand } from './sandbox-command.ts';
import type { CommandSandbox } from './sandbox-command.ts';

export type PlaceConfig = Pick<BootConfig, 'home' | 'homes' | 'bubblewrap' | 'runtime' | 'clis'>;

type SandboxedRun = Pick<CommandSandbox, 'home' | 'cwd' | 'opensLinks' | 'hiddenPaths' | 'pinnedPaths'>;

/** Where a provider's CLI lives in this machine. */
export interface CliPlace {
  /** Its home, as the agent sees it. */
  readonly home: string;
  /** Makes what the CLI needs around it. */
  prepare(): Promise<void>;
  /** A directory of `~/work`, the one that all CLIs of the machine share. */
  workDirectory(path: string): string;
  /** What a CLI must not see when it starts in a directory of `~/work`. */
  hiddenPaths(cwd: string, hidden: CliLaunch['hiddenInWork']): Promise<readonly HiddenPath[]>;
  /** What of `~/work` it can neither rename nor remove. */
  pinnedPaths(cli: CliLaunch, mayPin: MayPin): Promise<readonly HiddenPath[]>;
  /** The command as it is to be started; its HOME is what {@link homeSeen} says. */
  command(command: CliCommand, run: SandboxedRun): CliCommand;
  /** How the CLI itself sees its home. */
  homeSeen(home: string): string;
}

/** Finds the home of a provider's CLI: the machine's, or its provider's. With bubblewrap, the CLI sees no other. */
export function cliPlace(boot: PlaceConfig, provider: string): CliPlace {
  const { bubblewrap, homes } = boot;
  const home = homes === undefined ? boot.home : join(homes, provider);
  const work = join(boot.home, 'work');
  const temporary = bubblewrap === undefined ? undefined : join(boot.runtime, 'tmp', provider);
  const emptyFile = join(boot.runtime, 'empty');
  return {
    home,
    prepare: async () => {
      await mkdir(work, { recursive: true, mode: 0o700 });
      if (temporary !== undefined) {
        await mkdir(temporary, { recursive: true, mode: 0o700 });
        await writeFile(emptyFile, '', { mode: 0o600 });
      }
      if (homes === undefined) return;
      await mkdir(home, { recursive: true, mode: 0o700 });
      if (temporary === undefined) return linkWork(join(home, 'work'), work);
      await makeMountPoint(join(home, 'work'));
    },
    workDirectory: (path) => resolveHomePath(boot.home, path),
    hiddenPaths: async (cwd, hidden) => (bubblewrap === undefined ? [] : hiddenPaths(work, cwd, hidden)),
    pinnedPaths: async (cli, mayPin) => (bubblewrap === undefined ? [] : pinnedPaths(work, cli, mayPin)),
    command: (command, run) =>
      bubblewrap === undefined || temporary === undefined
        ? command
        : sandboxCommand(command, {
            ...run,
            bubblewrap,
            temporary,
            emptyFile,
            boot,
            installation: boot.clis[provider],
          }),
    homeSeen: (own) => (bubblewrap === undefined ? own : boot.home),
  };
}

/** Where nothing can be mounted, `~/work` is a link. A CLI that has put something else there keeps it. */
async function linkWork(path: string, work: string): Promise<void> {
  // The empty directory on which it was mounted before.
  await rmdir(path).catch(() => undefined);
  await symlink(work, path).catch(() => undefined);
}

/** A link is from a time without bubblewrap, and something may be mounted on a directory only. */
async function makeMountPoint(path: string): Promise<void> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isDirectory()) return;
  if (facts?.isSymbolicLink()) await unlink(path);
  await mkdir(path, { recursive: true, mode: 0o700 });
}
