import { realpath } from 'node:fs/promises';

import { agentBundle } from '@sallyport/agent';
import { SallyportError, systemClock } from '@sallyport/core';
import type { Check } from '@sallyport/core/driver';
import { checkDiskHost, checkFirecrackerHost, createBridgeNetwork, createProcessDriver } from '@sallyport/machines';
import { Argument } from 'commander';
import type { Command } from 'commander';

import { checkEgress } from '../app/check-egress.ts';
import { makeQemuDriver, qemuSettings } from '../config/choose-driver.ts';
import { chooseEgress } from '../config/choose-egress.ts';
import type { QemuSettings } from '../config/config.ts';
import { egressSettingsSchema } from '../config/egress-settings.ts';
import type { ServerEnvironment } from '../config/environment.ts';
import { loadConfig } from '../config/load-config.ts';
import { networkAddress } from '../config/network-address.ts';
import { checkDatabase, checkPort, verdictOf } from './check-serve.ts';
import type { CommandContext } from './context.ts';

/** `sallyport doctor`: prints what this host has and what is missing, each with its fix. */
export function registerDoctor(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description(
      'print what this host has and what is missing, each with its fix, and whether `sallyport serve` would work',
    )
    .addArgument(new Argument('[kind]', 'the same for virtual machines of this kind').choices(['firecracker', 'qemu']))
    .action(async (kind: 'firecracker' | 'qemu' | undefined) => {
      if (!(await diagnose(kind, context))) context.exitWith(1);
    });
}

/** Resolves to whether nothing is missing. */
async function diagnose(kind: 'firecracker' | 'qemu' | undefined, context: CommandContext): Promise<boolean> {
  const environment = context.environment();
  if (kind === undefined) return doctor(environment, context.configFile());
  if (kind === 'firecracker') return firecrackerDoctor(environment.dataDirectory);
  const { driver } = await context.loadConfig();
  return qemuDoctor(environment, qemuSettings(driver) ?? { kind: 'qemu' });
}

async function doctor(environment: ServerEnvironment, configFile: string): Promise<boolean> {
  const { dataDirectory, database } = environment;
  const driver = await createProcessDriver({ dataDirectory, clock: systemClock });
  const checks = [
    ...(await driver.doctor()),
    await checkDatabase(database),
    ...(await checkConfiguration(environment, configFile)),
  ];
  checks.forEach(printCheck);
  const { works, sentence } = verdictOf(checks);
  console.log(sentence);
  return works;
}

/** The same for virtual machines of QEMU. */
async function qemuDoctor(environment: ServerEnvironment, settings: QemuSettings): Promise<boolean> {
  const { dataDirectory, database } = environment;
  const driver = await makeQemuDriver(settings, { dataDirectory, clock: systemClock });
  const checks = [...(await driver.doctor()), await checkDatabase(database)];
  checks.forEach(printCheck);
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  console.log(
    count('missing') > 0
      ? `QEMU cannot run machines here: ${count('missing')} of ${checks.length} are missing.`
      : `QEMU can run machines here.${count('degraded') > 0 ? ` ${count('degraded')} of ${checks.length} could be better.` : ''}`,
  );
  return count('missing') === 0;
}

/** The same for machines in Firecracker, by what its authors ask of a host with several tenants. */
async function firecrackerDoctor(dataDirectory: string): Promise<boolean> {
  // It may be made by the first start only, and a link on the way to it is not what a jail is in.
  const real = await realpath(dataDirectory).catch(() => dataDirectory);
  const network = createBridgeNetwork({ dataDirectory: real, clock: systemClock });
  const checks = [
    ...(await checkFirecrackerHost({ dataDirectory: real })),
    ...(await checkDiskHost()),
    ...(await network.doctor()),
  ];
  checks.forEach(printCheck);
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  console.log(
    count('missing') > 0
      ? `Firecracker cannot run machines here: ${count('missing')} of ${checks.length} are missing.`
      : count('degraded') > 0
        ? `Firecracker can run machines here. For users who do not trust each other fix the other ${count('degraded')} first.`
        : 'This host has everything that Firecracker asks of one.',
  );
  return count('missing') === 0;
}

function printCheck({ state, name, found, fix }: Check): void {
  console.log(`${state.padEnd(8)}  ${name}: ${found}`);
  if (fix !== undefined) console.log(`${' '.repeat(10)}${fix}`);
}

/** The configuration, where it has the server listen, and the proxy service that it names. */
async function checkConfiguration(environment: ServerEnvironment, configFile: string): Promise<readonly Check[]> {
  try {
    // Throws on a platform that the agent's pseudo-terminals were not built for.
    agentBundle();
    const { dataDirectory } = environment;
    const config = await loadConfig(configFile);
    const { egress: chosen, providers } = config;
    const { host, port } = networkAddress(config, environment);
    const listens = await checkPort(host, port);
    // One of the operator's own may do anything when it is made.
    if (!egressSettingsSchema.safeParse(chosen).success) return [listens];
    const clock = systemClock;
    const egress = await chooseEgress(chosen, { dataDirectory, clock, log: () => undefined });
    const manifests = providers.map(({ manifest }) => manifest);
    const check = await checkEgress({ egress, manifests, clock, signal: new AbortController().signal });
    return check ? [listens, check] : [listens];
  } catch (error) {
    if (!SallyportError.isInstance(error)) throw error;
    return [{ name: 'configuration', state: 'missing', found: error.message, fix: error.hint }];
  }
}
