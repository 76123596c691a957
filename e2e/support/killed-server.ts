import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { createBridgeNetwork, createQemuDriver } from '@sallyport/machines';
import { expect } from 'vitest';

import { readKernelState } from '../../packages/machines/src/network/bridge-ports.ts';
import { createNamespace, namespaceName, runCommand } from '../../packages/machines/src/network/namespace.ts';
import { imageStore } from './images.ts';
import { killedMachine } from './kill-steps.ts';
import type { KillStep } from './kill-steps.ts';
import { repository } from './server.ts';

/** Has a server killed at a step, and the next one put this host in order. Nothing may be left, and nothing to do twice. */
export async function expectOrderAfterKill(step: KillStep): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sp-killed-')));
  try {
    const program = join(repository, 'e2e/support/run-qemu-machine.ts');
    const words = ['--conditions=@sallyport/source', program, folder, step];
    const server = spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit'] });
    expect(await once(server, 'exit')).toEqual([null, 'SIGKILL']);
    if (step === 'unrecorded') await expectNoRecordOf(folder, await processesOf(folder));
    await putInOrder(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function putInOrder(folder: string): Promise<void> {
  const dataDirectory = join(folder, 'data');
  const network = createBridgeNetwork({ dataDirectory, clock: systemClock });
  const driver = await createQemuDriver({ dataDirectory, clock: systemClock, network, images: imageStore });
  try {
    await driver.reconcile();
    const [ref, ...others] = await driver.list();
    expect([ref?.machineId, others]).toEqual([killedMachine, []]);
    // As the server does with a machine that no row knows.
    await (ref && (await driver.adopt(ref)))?.destroy();
    await driver.reconcile();
    const left = await inventory(folder);
    expect(left).toEqual({ processes: [], taps: [], elements: [], neighbours: [], places: {}, files: [] });

    expect(await driver.reconcile()).toEqual([]);
    expect(await inventory(folder)).toEqual(left);
  } finally {
    await driver.close();
  }
}

/** A QEMU runs that nothing of the server's tells of. */
async function expectNoRecordOf(folder: string, processes: readonly string[]): Promise<void> {
  expect(processes).not.toEqual([]);
  const record = await readFile(join(folder, 'data', 'qemu', killedMachine, 'machine.json'), 'utf8');
  expect(JSON.parse(record)).not.toHaveProperty('running');
}

/** The list is not written before the first machine has a place. */
const NO_PLACES = '{"records":{}}';

/** What the driver keeps for all machines: its claims of user IDs, the last one that was allotted, and the key of its snapshots. */
const ofNoMachine: readonly string[] = ['machine-users', 'machine-users/last', 'snapshot-key'];

/** Everything that a machine has on this host. */
async function inventory(folder: string) {
  const dataDirectory = join(folder, 'data');
  const kernel = await readKernelState(createNamespace(namespaceName(dataDirectory, 'machines'), runCommand));
  const list = await readFile(join(dataDirectory, 'network', 'machines.json'), 'utf8').catch(() => NO_PLACES);
  const files = await readdir(join(dataDirectory, 'qemu'), { recursive: true });
  return {
    processes: await processesOf(folder),
    ...kernel,
    places: JSON.parse(list).records,
    files: files.filter((name) => !ofNoMachine.includes(name)),
  };
}

/** QEMU is told a home in its machine's directory, whatever user it runs as. */
async function processesOf(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of (await readdir('/proc')).filter((one) => /^\d+$/.test(one))) {
    const environment = await readFile(`/proc/${name}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').some((variable) => variable.startsWith(`HOME=${folder}/`))) found.push(name);
  }
  return found;
}
