import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { MachinePlan } from '@sallyport/core/driver';

import { outerEnvironment, sandboxCommand, systemCallFilter } from './bubblewrap.ts';
import type { Bind } from './bubblewrap.ts';
import { writeEtcFiles } from './etc-files.ts';
import { BOOT_ARGUMENTS, commonBoot, environmentOf, findPrograms } from './launch-parts.ts';
import type { IsolatedLaunch, LaunchRequest } from './launch.ts';
import { AGENT_SOCKET, inside } from './layout.ts';
import type { MachineLayout } from './layout.ts';

/** Plans a machine in bubblewrap: which directories of the host it sees, and under which paths. */
export async function launchInBubblewrap({
  layout,
  plan,
  isolation,
  uid,
  options,
}: LaunchRequest): Promise<IsolatedLaunch> {
  await refuseToShowMachines(layout, plan);
  const etc = await writeEtcFiles(layout.etc);
  const { node, agent } = await findPrograms(layout, plan, uid);
  const { bubblewrap = 'bwrap' } = isolation;
  const separate = plan.role === 'cli';
  const enclose = isolation.sandboxesClis;
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
