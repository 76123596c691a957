import { SallyportError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { MachineRecord } from '../store/store.ts';
import type { CliMachines } from './cli-machines.ts';

/** Machines as the API sees them. A machine of somebody else does not exist. */
export interface Machines {
  list(userId: string): Promise<readonly MachineRecord[]>;
  hibernate(userId: string, machineId: string): Promise<void>;
  wake(userId: string, machineId: string): Promise<void>;
  destroy(userId: string, machineId: string): Promise<void>;
}

export function createMachines(runtime: Runtime, cliMachines: CliMachines): Machines {
  async function require(userId: string, machineId: string): Promise<MachineRecord> {
    const record = await runtime.store.machines.get(machineId);
    if (!record || record.userId !== userId || record.state === 'destroyed')
      throw new SallyportError('MACHINE_UNKNOWN', `There is no machine ${machineId}.`);
    return record;
  }

  async function requireHibernation(userId: string, machineId: string): Promise<never> {
    await require(userId, machineId);
    throw new SallyportError('MACHINE_UNSUPPORTED', `The ${runtime.driver.name} driver cannot hibernate machines.`, {
      hint: 'It stops them when idle instead, and starts them with the next prompt.',
    });
  }

  return {
    list: async (userId) =>
      (await runtime.store.machines.list({ userId })).filter((record) => record.state !== 'destroyed'),
    hibernate: requireHibernation,
    wake: requireHibernation,
    destroy: async (userId, machineId) => {
      const record = await require(userId, machineId);
      if (record.role === 'browser') {
        throw new SallyportError('MACHINE_BUSY', 'This machine belongs to a login.', {
          hint: 'Cancel the login session; its machine goes with it.',
        });
      }
      await cliMachines.destroy(userId, machineId);
    },
  };
}
