import { chmod, chown, mkdir, realpath, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { BootConfig, MachinePlan, StartOptions } from '@sallyport/core';

import { programPath } from '../host/programs.ts';
import { outerEnvironment, sandboxCommand, systemCallFilter } from './bubblewrap.ts';
import type { Bind, CommandLine } from './bubblewrap.ts';
import { writeEtcFiles } from './etc-files.ts';
import type { Isolation } from './isolation.ts';
import { AGENT_SOCKET, inside } from './layout.ts';
import type { MachineLayout } from './layout.ts';
import { readableProgram } from './readable-program.ts';
import { removeTree } from '../host/remove-tree.ts';
import { shortenDirectory } from '../host/short-path.ts';

/** Everything needed to spawn a machine's agent. */
export interface Launch {
  readonly command: CommandLine;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** User to switch to at spawn; absent under bubblewrap, where the command switches. */
  readonly spawnAs: number | undefined;
  /** Present if the command is bubblewrap: reports the first process at one descriptor, reads the filter at another. */
  readonly sandbox?: { readonly filter: Buffer | undefined };
  readonly boot: BootConfig;
  /** Short host path of the run directory, used to connect to sockets. */
  readonly runPath: string;
  readonly shortcut: string | undefined;
}

export interface LaunchRequest {
  readonly layout: MachineLayout;
  readonly plan: MachinePlan;
  readonly isolation: Isolation;
  readonly uid: number | undefined;
  readonly options: StartOptions;
}

/** Makes the agent read its configuration from standard input and exit when that closes. */
const BOOT_ARGUMENTS = ['--boot', '-'] as const;

/** Empties the run directory and plans what the machine sees under which path. */
export async function prepareLaunch(request: LaunchRequest): Promise<Launch> {
  const { layout, uid, options } = request;
  await removeTree(layout.run);
  await mkdir(layout.run, { mode: 0o700 });
  if (uid !== undefined) {
    await chown(layout.run, uid, uid);
    // Only this machine uses the proxy's socket, so its user can own it.
    await chown(options.egress.socketPath, uid, uid);
  }
  const { path: runPath, shortcut } = await shortenDirectory(layout.run, 24);
  const launch = request.isolation.bubblewrap === undefined ? launchPlainly : launchInBubblewrap;
  return { ...(await launch(request, runPath)), runPath, shortcut };
}

type Way = Omit<Launch, 'runPath' | 'shortcut'>;

async function launchInBubblewrap({ layout, plan, isolation, uid, options }: LaunchRequest): Promise<Way> {
  await refuseToShowMachines(layout, plan);
  const etc = await writeEtcFiles(layout.etc);
  const { node, agent } = await findPrograms(layout, plan, uid);
  const { bubblewrap = 'bwrap' } = isolation;
  const separate = plan.role === 'cli';
  const enclose = separate && isolation.sandboxesClis;
  const readOnly = (source: string, target: string): Bind => ({ source, target, writable: false });
  const binds: Bind[] = [
    { source: layout.home, target: inside.home, writable: true },
    ...(separate ? [{ source: layout.homes, target: inside.homes, writable: true }] : []),
    ...(enclose ? [readOnly(await realpath(bubblewrap), inside.bubblewrap)] : []),
    { source: layout.run, target: inside.run, writable: true },
    { source: options.egress.socketPath, target: inside.egress, writable: true },
    readOnly(node, inside.node),
    readOnly(agent, inside.agent),
    ...(await Promise.all(
      plan.clis.map(async (cli) => readOnly(await realpath(cli.directory), inside.cli(cli.provider))),
    )),
    ...etc.map(([source, target]) => readOnly(source, target)),
  ];
  const command = await sandboxCommand({
    bubblewrap,
    binds,
    environment: { ...environmentOf(inside.home), XDG_RUNTIME_DIR: inside.userRun },
    argv: [inside.node, ...plan.agent.nodeArgs, `${inside.agent}/${plan.agent.entry}`, ...BOOT_ARGUMENTS],
    workingDirectory: inside.home,
    uid,
  });
  return {
    command,
    environment: outerEnvironment,
    workingDirectory: '/',
    spawnAs: undefined,
    sandbox: { filter: systemCallFilter },
    boot: {
      ...commonBoot(plan, options),
      listen: { socket: `${inside.run}/${AGENT_SOCKET}` },
      home: inside.home,
      ...(separate && { homes: inside.homes }),
      ...(enclose && { bubblewrap: inside.bubblewrap }),
      runtime: inside.run,
      egress: { socket: inside.egress },
      clis: Object.fromEntries(plan.clis.map((cli) => [cli.provider, inside.cli(cli.provider)])),
    },
  };
}

/** Finds Node and the agent at paths that the machine's user can read. */
async function findPrograms(
  layout: MachineLayout,
  plan: MachinePlan,
  uid: number | undefined,
): Promise<{ readonly node: string; readonly agent: string }> {
  const node = await realpath(plan.agent.node);
  const agent = await realpath(plan.agent.directory);
  if (uid === undefined) {
    return { node, agent };
  }
  return {
    node: await readableProgram(node, node, layout.programs),
    agent: await readableProgram(agent, join(agent, plan.agent.entry), layout.programs),
  };
}

async function launchPlainly({ layout, plan, uid, options }: LaunchRequest, runPath: string): Promise<Way> {
  // A symlink with a short path: connecting to a socket through a symlink works.
  const egressSocket = join(runPath, 'egress.sock');
  await symlink(options.egress.socketPath, egressSocket);
  return {
    command: [plan.agent.node, ...plan.agent.nodeArgs, join(plan.agent.directory, plan.agent.entry), ...BOOT_ARGUMENTS],
    environment: { ...environmentOf(layout.home), XDG_RUNTIME_DIR: runPath },
    workingDirectory: layout.home,
    spawnAs: uid,
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

type CommonBoot = Omit<BootConfig, 'listen' | 'home' | 'homes' | 'bubblewrap' | 'runtime' | 'egress' | 'clis'>;

function commonBoot(plan: MachinePlan, { epoch, token, egress }: StartOptions): CommonBoot {
  return {
    machineId: plan.machineId,
    epoch,
    role: plan.role,
    token: token.reveal(),
    ...(egress.certificateAuthority !== undefined && { certificateAuthority: egress.certificateAuthority }),
    ...(plan.desktop && { desktop: { ...plan.desktop } }),
  };
}

function environmentOf(home: string): Readonly<Record<string, string>> {
  return { PATH: programPath, HOME: home, USER: 'machine', LOGNAME: 'machine', SHELL: '/bin/sh', LANG: 'C.UTF-8' };
}

/** Throws if a directory that a machine can read contains other machines' homes. */
async function refuseToShowMachines(layout: MachineLayout, plan: MachinePlan): Promise<void> {
  const machine = await realpath(layout.root);
  for (const directory of [plan.agent.directory, ...plan.clis.map((cli) => cli.directory)]) {
    const way = relative(await realpath(directory), machine);
    if (!way.startsWith('..')) {
      throw new SallyportError(
        'CONFIG_INVALID',
        `The data directory lies inside ${directory}, which every machine can read.`,
        {
          hint: 'Set SALLYPORT_DATA_DIR to a directory outside it, or run the agent from its build.',
        },
      );
    }
  }
}

/** Creates a machine's missing directories. Other users can traverse the parents but not list or enter the rest. */
export async function makeDirectories(layout: MachineLayout, uid: number | undefined): Promise<void> {
  for (const [path, mode] of [
    [layout.root, 0o711],
    [layout.home, 0o700],
    [layout.homes, 0o700],
    [layout.run, 0o700],
  ] as const) {
    await mkdir(path, { recursive: true });
    // mkdir(2) masks the mode with the umask.
    await chmod(path, mode);
  }
  if (uid !== undefined) {
    await Promise.all([layout.home, layout.homes].map((path) => chown(path, uid, uid)));
  }
}
