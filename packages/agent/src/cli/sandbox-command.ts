import { join } from 'node:path';

import type { CliCommand } from './cli-command.ts';
import type { PlaceConfig } from './cli-place.ts';
import type { HiddenPath } from './hidden-paths.ts';

export interface CommandSandbox {
  /** Path of bubblewrap. */
  readonly bubblewrap: string;
  readonly boot: PlaceConfig;
  /** The home to show, at the machine's own. */
  readonly home: string;
  /** Directory for temporary files of this provider's CLI alone. */
  readonly temporary: string;
  /** Where it starts, as the agent sees it: the home, or a directory of the shared work. */
  readonly cwd: string;
  /** Directory of the CLI's installation. It may lie in one that is hidden: a drive of the machine's is mounted there. */
  readonly installation: string | undefined;
  /** It may hand links to the agent. */
  readonly opensLinks: boolean;
  /** What it sees as empty. */
  readonly hiddenPaths: readonly HiddenPath[];
  /** What it sees as it is, and can neither rename nor remove. */
  readonly pinnedPaths: readonly HiddenPath[];
  /** An empty file, to be shown in place of others. */
  readonly emptyFile: string;
}

/**
 * Runs a CLI in a sandbox inside the machine. It sees its own home, the processes that it starts, and what CLIs need of
 * the agent's directory. All CLIs run as the same user, so each can read and change what another wrote to `~/work`. What
 * a CLI starts ends with it, even if it left its process group.
 */
export function sandboxCommand({ file, argv }: CliCommand, sandbox: CommandSandbox): CliCommand {
  const { boot, bubblewrap, cwd, emptyFile, hiddenPaths, home, installation, opensLinks, pinnedPaths, temporary } =
    sandbox;
  const { runtime } = boot;
  const work = join(boot.home, 'work');
  const shown = cwd === home ? boot.home : cwd;
  const hidden = [...new Set(['/run', runtime, boot.homes ?? runtime])];
  const needed = ['bin', 'ca.pem', 'ca-bundle.pem'].map((name) => join(runtime, name));
  const shim = join(runtime, 'shim');
  // The installation, and the Node that runs it, may lie in a directory that is hidden.
  const programs = [installation, file].filter((path) => path !== undefined).filter(isBelow(['/tmp', ...hidden]));
  const options = [
    [...NAMESPACES, ...MACHINE],
    // Memory, not the directory below by a second name: Codex cannot set up its own sandbox where both are one.
    ['--tmpfs', '/tmp'],
    ...hidden.map((path) => ['--tmpfs', path]),
    ['--bind', temporary, join(runtime, 'tmp')],
    ...needed.map((path) => ['--ro-bind-try', path, path]),
    opensLinks ? ['--bind', shim, shim] : [],
    ...programs.map((path) => ['--ro-bind', path, path]),
    ['--bind', home, boot.home],
    ['--bind', work, work],
    // rename(2) and rmdir(2) fail with EBUSY for what is a mount point.
    ...pinnedPaths.map(({ path }) => ['--bind', path, path]),
    // Also where nothing is yet: another CLI could put it there meanwhile. What this creates in `~/work` stays, since
    // removing it would take it from the other CLIs that see something empty there.
    ...hiddenPaths.map(({ path, kind }) =>
      kind === 'directory' ? ['--tmpfs', path, '--remount-ro', path] : ['--ro-bind', emptyFile, path],
    ),
    // The directories that only hold mounts are not for the CLI to fill: they are memory.
    ...hidden.map((path) => ['--remount-ro', path]),
    ['--chdir', shown],
  ];
  return { file: bubblewrap, argv: [...options.flat(), '--', file, ...argv] };
}

function isBelow(directories: readonly string[]): (path: string) => boolean {
  return (path) => directories.some((directory) => path.startsWith(`${directory}/`));
}

const NAMESPACES = ['--unshare-user', '--unshare-pid', '--unshare-ipc'];

/** All that the machine has, to begin with; `/proc` and `/dev` show what belongs to the new namespaces. */
const MACHINE = ['--bind', '/', '/', '--proc', '/proc', '--dev', '/dev'];
