import { symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { installCommand } from '../host/programs.ts';
import type { CommandLine } from './bubblewrap.ts';
import { dropTo } from './drop-privileges.ts';
import { BOOT_ARGUMENTS, commonBoot, environmentOf, findPrograms } from './launch-parts.ts';
import type { IsolatedLaunch, LaunchRequest } from './launch.ts';
import { AGENT_SOCKET } from './layout.ts';
import { findClosedDirectories, revealCommand } from './reveal.ts';

/**
 * Plans a machine as a plain process with the host's files and network. If the server is root, the machine still runs
 * as its own user, who can read neither the master key nor another machine's home.
 *
 * @throws SallyportError `CONFIG_HOST_UNSUITABLE` if that user cannot reach the machine's files. It never runs as root.
 */
export async function launchPlainly(request: LaunchRequest, runPath: string): Promise<IsolatedLaunch> {
  const { layout, plan, uid, options } = request;
  // A symlink with a short path: connecting to a socket through a symlink works.
  const egressSocket = join(runPath, 'egress.sock');
  await symlink(options.egress.socketPath, egressSocket);
  const { node, agent } = await findPrograms(layout, plan, uid);
  const argv = [node, ...plan.agent.nodeArgs, join(agent, plan.agent.entry), ...BOOT_ARGUMENTS] as const;
  const paths = [layout.root, node, agent, options.egress.socketPath, ...plan.clis.map((cli) => cli.directory)];
  return {
    ...(uid === undefined ? { command: argv, spawnAs: undefined } : await becomeUser(request, uid, argv, paths)),
    workingDirectory: layout.home,
    environment: { ...environmentOf(layout.home), XDG_RUNTIME_DIR: runPath },
    boot: {
      ...commonBoot(plan, options),
      listen: { socket: join(runPath, AGENT_SOCKET) },
      home: layout.home,
      ...(plan.role === 'cli' && { homes: layout.homes }),
      runtime: runPath,
      egress: { socket: egressSocket },
      clis: Object.fromEntries(plan.clis.map((cli) => [cli.provider, cli.directory])),
    },
  };
}

async function becomeUser(
  { isolation }: LaunchRequest,
  uid: number,
  argv: CommandLine,
  paths: readonly string[],
): Promise<Pick<IsolatedLaunch, 'command' | 'spawnAs'>> {
  const closed = await findClosedDirectories(paths);
  if (closed.length === 0) {
    return process.platform === 'linux'
      ? { command: [...dropTo(uid), '--', ...argv], spawnAs: undefined }
      : { command: argv, spawnAs: uid };
  }
  if (isolation.canReveal) return { command: revealCommand({ paths, closed, uid, argv }), spawnAs: undefined };
  throw new SallyportError(
    'CONFIG_HOST_UNSUITABLE',
    `Machines do not run as root, and their users cannot enter ${closed.join(' or ')}.`,
    {
      hint: `Install bubblewrap (${installCommand(['bubblewrap'])}), run the server as an ordinary user, or keep SALLYPORT_DATA_DIR, Node and Sallyport in directories that every user can enter.`,
    },
  );
}
