import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { MachineDriver } from '@sallyport/core/driver';
import {
  createBridgeNetwork,
  createFirecrackerDriver,
  createImageStore,
  createQemuDriver,
  createUserNetwork,
  requireImages,
} from '@sallyport/machines';
import type { ImageStore, MachineNetwork, QemuDriver } from '@sallyport/machines';
import { startProcessDriver } from '../presets/process-driver.ts';
import { qemuSettingsSchema } from './config.ts';
import type { FactoryContext, QemuSettings } from './config.ts';
import type { LoadedConfig } from './load-config.ts';

/** Creates the driver that the configuration names. The caller closes it. */
export async function chooseDriver(chosen: LoadedConfig['driver'], context: FactoryContext): Promise<MachineDriver> {
  if (chosen === 'process') return startProcessDriver(context);
  if (chosen === 'firecracker') return startFirecrackerDriver(context);
  const settings = qemuSettings(chosen);
  if (settings) return startQemuDriver(settings, context);
  if (typeof chosen === 'function') return chosen(context);
  if (typeof chosen === 'object' && 'create' in chosen) return chosen;
  throw new SallyportError('CONFIG_INVALID', 'The configuration names no driver.');
}

/** The settings where machines are QEMU's. */
export function qemuSettings(chosen: LoadedConfig['driver']): QemuSettings | undefined {
  return chosen === 'qemu' ? { kind: 'qemu' } : qemuSettingsSchema.safeParse(chosen).data;
}

async function startQemuDriver(settings: QemuSettings, context: FactoryContext): Promise<MachineDriver> {
  const images = await openImages(context);
  const driver = await makeQemuDriver(settings, context, images);
  const removed = await driver.reconcile();
  if (removed.length > 0) context.log(`Took away what a former server had left: ${removed.join(', ')}.`);
  return driver;
}

async function startFirecrackerDriver({ dataDirectory, clock, log }: FactoryContext): Promise<MachineDriver> {
  const images = await openImages({ dataDirectory });
  const network = createBridgeNetwork({ dataDirectory, clock });
  const driver = await createFirecrackerDriver({ dataDirectory, clock, network, images });
  const removed = await driver.reconcile();
  if (removed.length > 0) log(`Took away what a former server had left: ${removed.join(', ')}.`);
  return driver;
}

/** What machines are made of, read through once for as long as this server runs. */
async function openImages({ dataDirectory }: Pick<FactoryContext, 'dataDirectory'>): Promise<ImageStore> {
  const images = createImageStore({ directory: join(dataDirectory, 'images') });
  await requireImages(images, ['cli'], { signal: new AbortController().signal });
  return images;
}

/** The same without looking at what is left of a former server, for `sallyport doctor`. */
export function makeQemuDriver(
  settings: QemuSettings,
  { dataDirectory, clock, log }: Pick<FactoryContext, 'dataDirectory' | 'clock'> & Partial<Pick<FactoryContext, 'log'>>,
  images?: ImageStore,
): Promise<QemuDriver> {
  const { accelerator = 'auto', templates = true } = settings;
  const network = makeNetwork(settings, { dataDirectory, clock });
  return createQemuDriver({
    dataDirectory,
    clock,
    network,
    accelerator,
    templates,
    ...(images && { images }),
    ...(log && { log }),
  });
}

function makeNetwork(
  { subnet, networkRate, network = process.geteuid?.() === 0 ? 'bridge' : 'user' }: QemuSettings,
  { dataDirectory, clock }: Pick<FactoryContext, 'dataDirectory' | 'clock'>,
): MachineNetwork {
  if (network === 'user') return createUserNetwork({ dataDirectory, clock });
  return createBridgeNetwork({
    dataDirectory,
    clock,
    ...(subnet !== undefined && { subnet }),
    ...(networkRate && { rate: networkRate }),
  });
}
