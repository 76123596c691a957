import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import type { Clock, SallyportOptions } from '@sallyport/core';
import { connectAgent, createCallbackPorts, createCliInstaller } from '@sallyport/machines';

import { readDiskSpace } from '../host/disk-space.ts';

export interface HostPartsOptions {
  /** CLIs are installed in `clis/` below it. Claimed by this process. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Called with what an installation does, which can take a minute. */
  readonly log: (message: string) => void;
}

/** What machines on this host need besides a driver and an egress. */
export type HostParts = Required<
  Pick<SallyportOptions, 'agent' | 'connectAgent' | 'installCli' | 'findCli' | 'callbackPorts' | 'readDiskSpace'>
>;

/**
 * Opens the agent, the CLI installer and the callback ports of this host. Throws `CONFIG_INVALID` if there is no agent
 * for this platform.
 */
export async function openHostParts({ dataDirectory, clock, log }: HostPartsOptions): Promise<HostParts> {
  const agent = agentBundle();
  const installer = createCliInstaller({ directory: join(dataDirectory, 'clis') });
  await installer.clearLeftovers(clock);
  return {
    agent,
    connectAgent,
    installCli: ({ cli, id, title }, asked) =>
      installer.ensure(cli, id, {
        signal: asked.signal,
        onProgress: (message, fraction) => {
          log(`${title}: ${message}`);
          asked.onProgress(message, fraction);
        },
      }),
    findCli: ({ cli, id }) => installer.find(cli, id),
    callbackPorts: createCallbackPorts(),
    readDiskSpace: () => readDiskSpace(dataDirectory),
  };
}
