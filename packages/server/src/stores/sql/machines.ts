import { SallyportError } from '@sallyport/core';
import { FIRST_EPOCH, type MachineRecord, type MachineStore } from '@sallyport/core/store';

import { auditArgument } from './audit-argument.ts';
import type { Row, StoreDatabase } from './database.ts';
import { dateFrom, isUuid } from './json.ts';
import { only } from './only.ts';

export function createMachineStore(database: StoreDatabase): MachineStore {
  return {
    create: async (machine, { asCurrent } = { asCurrent: false }) =>
      toRecord(
        only(
          await database.write('create_machine', {
            p_vm_id: machine.machineId,
            p_user_id: machine.userId,
            p_type: machine.role,
            p_driver: machine.driver,
            p_host: machine.host,
            p_vcpu_count: machine.vcpus,
            p_memory_mb: machine.memoryMb,
            p_epoch: FIRST_EPOCH,
            p_as_current: asCurrent,
          }),
        ),
      ),
    get: async (machineId) => {
      const rows = await database.read('get_machine', { p_vm_id: machineId });
      return rows?.map(toRecord)[0];
    },
    list: async ({ userId, host } = {}) => {
      if (userId !== undefined && !isUuid(userId)) return [];
      const rows = await database.read('list_machines', { p_user_id: userId ?? null, p_host: host ?? null });
      return (rows ?? []).map(toRecord);
    },
    update: async (machineId, { state, injected }, audit) => {
      if (state === undefined && injected === undefined) return;
      const found = await database.write('update_machine', {
        p_vm_id: machineId,
        p_status: state ?? null,
        p_injected: injected ?? null,
        ...auditArgument(audit),
      });
      if (found !== true) throw unknownMachine(machineId);
    },
    noteInjected: async (machineId, provider, version, { byHolder } = { byHolder: false }) => {
      await database.write('note_injected', {
        p_vm_id: machineId,
        p_provider: provider,
        p_version: version,
        p_by_holder: byHolder,
      });
    },
    nextEpoch: async (machineId) => {
      const epoch = await database.write('next_machine_epoch', { p_vm_id: machineId });
      if (epoch === null) throw unknownMachine(machineId);
      return epoch;
    },
  };
}

function unknownMachine(machineId: string): SallyportError {
  return new SallyportError('MACHINE_UNKNOWN', `There is no machine ${machineId}.`, { details: { machineId } });
}

function toRecord(row: Row<'vms'>): MachineRecord {
  return {
    machineId: row.vm_id,
    userId: row.user_id,
    role: row.type,
    driver: row.driver,
    host: row.host,
    state: row.status,
    vcpus: row.vcpu_count,
    memoryMb: row.memory_mb,
    epoch: row.epoch,
    injected: row.injected,
    createdAt: dateFrom(row.created_at),
    destroyedAt: row.destroyed_at === null ? null : dateFrom(row.destroyed_at),
  };
}
