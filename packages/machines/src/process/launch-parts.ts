import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import type { BootConfig, MachinePlan, StartOptions } from '@sallyport/core/driver';

import { programPath } from '../host/programs.ts';
import type { MachineLayout } from './layout.ts';
import { readableProgram } from './readable-program.ts';

/** Makes the agent read its configuration from standard input and exit when that closes. */
export const BOOT_ARGUMENTS = ['--boot', '-'] as const;

/** Finds Node and the agent at paths that the machine's user can read. */
export async function findPrograms(
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

type CommonBoot = Omit<BootConfig, 'listen' | 'home' | 'homes' | 'bubblewrap' | 'runtime' | 'egress' | 'clis'>;

export function commonBoot(plan: MachinePlan, { epoch, token, egress }: StartOptions): CommonBoot {
  return {
    machineId: plan.machineId,
    epoch,
    role: plan.role,
    token: token.reveal(),
    ...(egress.certificateAuthority !== undefined && { certificateAuthority: egress.certificateAuthority }),
    ...(plan.desktop && { desktop: { ...plan.desktop } }),
  };
}

export function environmentOf(home: string): Readonly<Record<string, string>> {
  return { PATH: programPath, HOME: home, USER: 'machine', LOGNAME: 'machine', SHELL: '/bin/sh', LANG: 'C.UTF-8' };
}
