import { SallyportError } from '../base/errors.ts';
import { FIRST_EPOCH } from '../contracts/store.ts';
import type { WriteAudit } from './memory-audit.ts';
import type { EndedRecords } from './memory-history.ts';
import type { MachineRecord, MachineStore, UserStore } from '../contracts/store.ts';

export interface MemoryMachineParts {
  readonly now: () => Date;
  readonly users: Pick<UserStore, 'setMachine'>;
  readonly writeAudit: WriteAudit;
  /** The machine that holds a lease. */
  readonly holding: (userId: string, provider: string) => string | undefined;
}

export function memoryMachines({ now, users, writeAudit, holding }: MemoryMachineParts): MachineStore & {
  readonly versionOn: (machineId: string, provider: string) => number | undefined;
  readonly destroyed: EndedRecords;
} {
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
          ({ userId, host, state }) =>
            state !== 'destroyed' &&
            (filter.userId === undefined || filter.userId === userId) &&
            (filter.host === undefined || filter.host === host),
        ),
      ),
    update: async (machineId, { state, injected }, audit) => {
      const machine = known(machineId);
      machines.set(machineId, {
        ...machine,
        state: state ?? machine.state,
        injected: structuredClone(injected ?? machine.injected),
        destroyedAt: state === 'destroyed' ? (machine.destroyedAt ?? now()) : machine.destroyedAt,
      });
      writeAudit(audit);
    },
    noteInjected: async (machineId, provider, version, { byHolder } = { byHolder: false }) => {
      const machine = machines.get(machineId);
      if (!machine || (byHolder && holding(machine.userId, provider) !== machineId)) return;
      const { [provider]: _before, ...others } = machine.injected;
      const injected = version === null ? others : { ...others, [provider]: version };
      machines.set(machineId, { ...machine, injected });
    },
    destroyed: {
      list: () =>
        [...machines.values()].flatMap(({ machineId: id, userId, destroyedAt }) =>
          destroyedAt ? [{ id, userId, endedAt: destroyedAt }] : [],
        ),
      erase: (machineId) => void machines.delete(machineId),
    },
    versionOn: (machineId, provider) => machines.get(machineId)?.injected[provider],
    nextEpoch: async (machineId) => {
      const machine = known(machineId);
      const epoch = machine.epoch + 1;
      machines.set(machineId, { ...machine, epoch });
      return epoch;
    },
  };
}
