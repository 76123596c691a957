import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import type { Clock } from '@sallyport/core';
import type { AgentBundle, MachineDriver } from '@sallyport/core/driver';
import type { EgressRoute } from '@sallyport/core/egress';
import { createDirectEgress } from '@sallyport/machines';

import { chooseDriver } from '../config/choose-driver.ts';
import { openDataDirectory } from '../data-directory/data-directory.ts';
import type { LoadedConfig } from '../config/load-config.ts';

/** What a command that makes machines receives. */
export interface DriverCommand {
  readonly config: LoadedConfig;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** The configured driver, without a server around it. */
export interface BareDriver {
  readonly driver: MachineDriver;
  readonly agent: AgentBundle;
  /** The claimed data directory, absolute. */
  readonly dataDirectory: string;
  /** A egress for a machine that leads nowhere: nobody is ever given it. */
  readonly openEgress: (machineId: string) => Promise<EgressRoute>;
}

/** Does something with the configured driver. Machines of a driver belong to one process at a time, so no server may run. */
export async function withDriver<Result>(
  { config, dataDirectory, clock, signal, print }: DriverCommand,
  use: (bare: BareDriver) => Promise<Result>,
): Promise<Result> {
  const data = await openDataDirectory(dataDirectory);
  const agent = agentBundle();
  let driver: MachineDriver | undefined;
  try {
    const context = { dataDirectory: data.path, clock, log: print };
    driver = await chooseDriver(config.driver, context);
    const egress = createDirectEgress({ directory: join(data.path, 'egress'), clock });
    const openEgress = async (machineId: string): Promise<EgressRoute> => {
      if (!egress.reserve) throw new Error('The direct egress can be reserved.');
      return egress.reserve(machineId, { signal });
    };
    return await use({ driver, agent, dataDirectory: data.path, openEgress });
  } finally {
    await driver?.close?.();
    await data.release();
  }
}
