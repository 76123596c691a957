import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { Check, Machine, MachineDriver, MachinePlan, MachineRef } from '@sallyport/core/driver';

import { createDirectoryMachine } from './machine.ts';
import type { DirectoryMachine } from './machine.ts';

export interface DirectoryDriverOptions {
  /** Each machine is a directory in it. Keep the path short: a socket's is 107 bytes at most. */
  readonly directory: string;
  readonly clock: Clock;
}

/**
 * Machines as directories of this host, whose agents are child processes of this server. They keep nothing apart: this shows
 * what a driver has to do, and is for nobody's logins but your own.
 */
export async function createDirectoryDriver({ directory, clock }: DirectoryDriverOptions): Promise<MachineDriver> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const live = new Map<string, DirectoryMachine>();

  const recordOf = (machineId: string): string => join(directory, machineId, 'plan.json');

  function take(plan: MachinePlan): DirectoryMachine {
    const { machineId } = plan;
    const onDestroyed = (): void => void live.delete(machineId);
    const machine = createDirectoryMachine({ root: join(directory, machineId), plan, clock, onDestroyed });
    live.set(machineId, machine);
    return machine;
  }

  /** The plan is the machine's label: whatever has none was not made here, or only half. */
  async function readPlan(machineId: string): Promise<MachinePlan | undefined> {
    if (!MACHINE_ID.test(machineId)) return undefined;
    const text = await readFile(recordOf(machineId), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async function create(plan: MachinePlan, signal: AbortSignal): Promise<Machine> {
    signal.throwIfAborted();
    // It becomes the name of a directory.
    if (!MACHINE_ID.test(plan.machineId)) {
      throw new SallyportError('MACHINE_FAILED', `"${plan.machineId}" is not a machine id.`);
    }
    const known = live.get(plan.machineId);
    if (known) return known;
    for (const folder of ['home', 'homes', 'run']) {
      await mkdir(join(directory, plan.machineId, folder), { recursive: true, mode: 0o700 });
    }
    // Last, and whole or not at all: a server that is killed before it leaves no machine.
    const record = recordOf(plan.machineId);
    await writeFile(`${record}.new`, JSON.stringify(plan), { mode: 0o600 });
    await rename(`${record}.new`, record);
    return take(plan);
  }

  async function list(): Promise<readonly MachineRef[]> {
    const plans = await Promise.all((await readdir(directory)).map(readPlan));
    return plans
      .filter((plan) => plan !== undefined)
      .map(({ machineId, role }) => ({ machineId, role, running: live.get(machineId)?.isRunning() === true }));
  }

  return {
    name: 'folder',
    features: {
      desktop: false,
      desktopHint: 'The directory driver has no desktop; the sign-in page opens in your own browser.',
      loopback: 'shared',
      hibernate: false,
      isolation: 'Machines are directories of this host and are not kept apart.',
    },
    create: (plan, { signal }) => create(plan, signal),
    list,
    adopt: async ({ machineId }) => {
      const plan = live.has(machineId) ? undefined : await readPlan(machineId);
      return plan ? take(plan) : live.get(machineId);
    },
    doctor: async () => [notApart],
  };
}

const MACHINE_ID = /^m-[a-z0-9]{1,40}$/;

const notApart: Check = {
  name: 'isolation',
  state: 'degraded',
  found: 'machines see the files and processes of this host, and of each other',
  fix: "Set driver: 'process' and install bubblewrap: apt-get install bubblewrap",
};
