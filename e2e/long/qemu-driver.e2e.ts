import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { agentBundle } from '@sallyport/agent';
import { systemClock } from '@sallyport/core';
import { connectAgent, createBridgeNetwork, createDirectEgress, createQemuDriver } from '@sallyport/machines';
import type { QemuDriver } from '@sallyport/machines';
import { describeDriver } from '@sallyport/testkit';
import type { DriverUnderTest } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { HANG_LIMIT_MS } from '../support/hang-limit.ts';
import { imageStore } from '../support/images.ts';

/** The same suite as for every driver, with real machines and their real network, on emulated processors. */
async function create(): Promise<DriverUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'sp-qemu-'));
  const dataDirectory = join(directory, 'data');
  const egress = createDirectEgress({ directory: join(directory, 'egress'), clock: systemClock });
  const route = await egress.reserve?.('m-nobody', { signal: AbortSignal.timeout(HANG_LIMIT_MS) });
  if (!route) throw new Error('The direct egress can be reserved.');
  const opened: QemuDriver[] = [];
  const open = async (): Promise<QemuDriver> => {
    const network = createBridgeNetwork({ dataDirectory, clock: systemClock });
    const driver = await createQemuDriver({ dataDirectory, clock: systemClock, network, images: imageStore });
    opened.push(driver);
    return driver;
  };
  return {
    driver: await open(),
    plan: (role) => ({
      machineId: `m-${randomBytes(5).toString('hex')}`,
      userId: 'somebody',
      role,
      memoryMb: 384,
      vcpus: 1,
      diskMb: 256,
      labels: {},
      agent: agentBundle(),
      clis: [],
    }),
    egress: route,
    clis: { directory, agent: agentBundle().directory, connectAgent, homesApart: true },
    restart: async () => {
      // Two helpers of one network end each other; that of a server that dies ends with it.
      await opened.at(-1)?.close();
      const next = await open();
      await next.reconcile();
      return next;
    },
    cleanUp: async () => {
      for (const driver of opened) await driver.close();
      await route.close();
      await egress.close?.();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeDriver('qemu', create, { describe, it, expect }, { timeoutMs: HANG_LIMIT_MS, hibernates: true });
