import { SallyportError } from '../base/errors.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import type { MachineRecord, MachineStore, UserStore } from '../contracts/store.ts';

export function memoryMachines(now: () => Date, users: Pick<UserStore, 'setMachine'>): MachineStore {
  const machines = new Map<string, MachineRecord>();
  const known = (machineId: string): MachineRecord => {
    const machine = machines.get(machineId);
    if (!machine) throw new SallyportError('MACHINE_UNKNOWN', `There is no machine ${machineId}.`);
    return machine;
  };

  return {
    create: async (machine, { asCurrent } = { asCurrent: false }) => {
      if (machines.has(machine.machineId)) {
        throw new SallyportError('STORE_CONFLICT', `There is a machine ${machine.machineId} already.`);
      }
      const record: MachineRecord = {
        ...machine,
        state: 'creating',
        epoch: FIRST_EPOCH,
        injected: {},
        createdAt: now(),
        destroyedAt: null,
      };
      machines.set(machine.machineId, record);
      if (asCurrent) void users.setMachine(machine.userId, machine.machineId);
      return structuredClone(record);
    },
    get: async (machineId) => structuredClone(machines.get(machineId)),
    list: async (filter = {}) =>
      structuredClone(
        [...machines.values()].filter(
          ({ userId, host }) =>
            (filter.userId === undefined || filter.userId === userId) &&
            (filter.host === undefined || filter.host === host),
        ),
      ),
    update: async (machineId, { state, injected }) => {
      const machine = known(machineId);
      machines.set(machineId, {
        ...machine,
        state: state ?? machine.state,
        injected: structuredClone(injected ?? machine.injected),
        destroyedAt: state === 'destroyed' ? (machine.destroyedAt ?? now()) : machine.destroyedAt,
      });
    },
    nextEpoch: async (machineId) => {
      const machine = known(machineId);
      const epoch = machine.epoch + 1;
      machines.set(machineId, { ...machine, epoch });
      return epoch;
    },
  };
}
