import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Machine, MachineDriver, MachinePlan, PlacedFile } from '@sallyport/core/driver';
import { createFakeDriver } from '@sallyport/testkit';
import type { FakeDriver } from '@sallyport/testkit';

import { watchMethods } from '../../test/flows/watch-steps.ts';
import type { PassStep } from '../../test/flows/watch-steps.ts';

/** Fake machines whose disks outlive the server. After its restart none runs, as on a host that took them down with it. */
export interface KeptMachines {
  readonly fake: FakeDriver;
  readonly driver: MachineDriver;
  /** Where the disk of a machine is kept. */
  readonly fileOf: (machineId: string) => string;
}

/** What a file holds. */
export interface KeptMachine {
  readonly plan: MachinePlan;
  readonly home: readonly PlacedFile[];
}

export async function openKeptMachines(directory: string, provider: string): Promise<KeptMachines> {
  mkdirSync(directory, { recursive: true });
  const fake = createFakeDriver();
  const fileOf = (machineId: string): string => join(directory, `${machineId}.json`);
  const running = new AbortController().signal;
  for (const name of readdirSync(directory).filter((each) => each.endsWith('.json'))) {
    const { plan, home }: KeptMachine = JSON.parse(readFileSync(join(directory, name), 'utf8'));
    const machine = await fake.driver.create(plan, { signal: running });
    await machine.disk.inject(provider, home);
  }

  function save(machineId: string): void {
    const machine = fake.machines.findLast(({ plan }) => plan.machineId === machineId);
    if (!machine || machine.destroyed) return rmSync(fileOf(machineId), { force: true });
    const written: KeptMachine = { plan: machine.plan, home: [...machine.home(provider).values()] };
    writeKeptMachine(fileOf(machineId), written);
  }

  /** The same machine; what changes its disk is written down. */
  function kept(machine: Machine): Machine {
    const watched = new Set(['inject', 'remove', 'eraseHome', 'destroy']);
    const pass: PassStep = async (name, isChange, work) => {
      const result = await work();
      if (isChange) save(machine.id);
      return result;
    };
    const isChange = (method: string): boolean => watched.has(method);
    const disk = watchMethods(machine.disk, 'disk', isChange, pass);
    const whole = watchMethods(machine, 'machine', isChange, pass);
    return new Proxy(whole, { get: (object, name) => (name === 'disk' ? disk : Reflect.get(object, name)) });
  }

  const driver: MachineDriver = {
    ...fake.driver,
    create: async (plan, options) => {
      const machine = await fake.driver.create(plan, options);
      save(machine.id);
      return kept(machine);
    },
    adopt: async (ref) => {
      const machine = await fake.driver.adopt(ref);
      return machine && kept(machine);
    },
  };
  return { fake, driver, fileOf };
}

/** A program that is killed leaves the old file or the new one. */
export function writeKeptMachine(path: string, machine: KeptMachine): void {
  writeFileSync(`${path}.part`, JSON.stringify(machine));
  renameSync(`${path}.part`, path);
}
