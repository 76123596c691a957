import { chmod, chown, mkdir } from 'node:fs/promises';

import { limitsOf } from '../host/limits/machine-limits.ts';
import { removeTree } from '../host/remove-tree.ts';
import { shortenDirectory } from '../host/short-path.ts';
import type { CommandLine } from './bubblewrap.ts';
import { launchInBubblewrap } from './launch-in-bubblewrap.ts';
import { launchPlainly } from './launch-plainly.ts';
import type { Launch, LaunchRequest } from './launch.ts';
import type { MachineLayout } from './layout.ts';

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
  const planned = await launch(request, runPath);
  const limits = limitsOf(request.plan, request.maxProcesses);
  const [first, ...rest] = await request.limiter.limit(limitsName(request.plan.machineId), limits, uid);
  const command: CommandLine = first === undefined ? planned.command : [first, ...rest, ...planned.command];
  return { ...planned, command, runPath, shortcut };
}

/** Names a machine's limits on this host. */
export function limitsName(machineId: string): string {
  return `sallyport-${machineId}`;
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
