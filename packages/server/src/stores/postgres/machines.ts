import { sql, type Selectable } from 'kysely';

import { FIRST_EPOCH, SallyportError, type MachineRecord, type MachineStore } from '@sallyport/core';

import type { Database } from './database.ts';
import { isUuid } from './json.ts';
import type { Tables } from './tables.ts';

export function createMachineStore(database: Database): MachineStore {
  return {
    create: async (machine, { asCurrent } = { asCurrent: false }) => {
      const row = await database.run((tables) =>
        tables
          .with('assigned', (statement) =>
            statement
              .updateTable('users')
              .set({ vm_id: machine.machineId })
              .where('user_id', '=', machine.userId)
              .where(sql.lit(asCurrent)),
          )
          .insertInto('vms')
          .values({
            vm_id: machine.machineId,
            user_id: machine.userId,
            type: machine.role,
            driver: machine.driver,
            host: machine.host,
            vcpu_count: machine.vcpus,
            memory_mb: machine.memoryMb,
            status: 'creating',
            epoch: FIRST_EPOCH,
          })
          .returningAll()
          .executeTakeFirstOrThrow(),
      );
      return toRecord(row);
    },
    get: async (machineId) => {
      const row = await database.run((tables) =>
        tables.selectFrom('vms').selectAll().where('vm_id', '=', machineId).executeTakeFirst(),
      );
      return row && toRecord(row);
    },
    list: async ({ userId, host } = {}) => {
      if (userId !== undefined && !isUuid(userId)) return [];
      const rows = await database.run((tables) => {
        let query = tables.selectFrom('vms').selectAll().orderBy('created_at').orderBy('vm_id');
        if (userId !== undefined) query = query.where('user_id', '=', userId);
        if (host !== undefined) query = query.where('host', '=', host);
        return query.execute();
      });
      return rows.map(toRecord);
    },
    update: async (machineId, { state, injected }) => {
      if (state === undefined && injected === undefined) return;
      const row = await database.run((tables) =>
        tables
          .updateTable('vms')
          .set({
            ...(state === undefined ? {} : { status: state }),
            ...(state === 'destroyed' ? { destroyed_at: sql`coalesce(destroyed_at, now())` } : {}),
            ...(injected === undefined ? {} : { injected: JSON.stringify(injected) }),
          })
          .where('vm_id', '=', machineId)
          .returning('vm_id')
          .executeTakeFirst(),
      );
      if (!row) throw unknownMachine(machineId);
    },
    nextEpoch: async (machineId) => {
      const row = await database.run((tables) =>
        tables
          .updateTable('vms')
          .set((machine) => ({ epoch: machine('epoch', '+', 1) }))
          .where('vm_id', '=', machineId)
          .returning('epoch')
          .executeTakeFirst(),
      );
      if (!row) throw unknownMachine(machineId);
      return row.epoch;
    },
  };
}

function unknownMachine(machineId: string): SallyportError {
  return new SallyportError('MACHINE_UNKNOWN', `There is no machine ${machineId}.`, { details: { machineId } });
}

function toRecord(row: Selectable<Tables['vms']>): MachineRecord {
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
    createdAt: row.created_at,
    destroyedAt: row.destroyed_at,
  };
}
