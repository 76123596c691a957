import { storableText } from '@sallyport/core/store';
import type { UserRecord, UserStore } from '@sallyport/core/store';

import { auditArgument } from './audit-argument.ts';
import type { Row, StoreDatabase } from './database.ts';
import { isUuid } from './json.ts';
import { only } from './only.ts';

export function createUserStore(database: StoreDatabase): UserStore {
  return {
    ensure: async (userId, externalId) => {
      const rows = await database.write('ensure_user', {
        p_user_id: userId,
        p_external_id: externalId === null ? null : storableText(externalId),
      });
      return toRecord(only(rows));
    },
    get: async (userId) => {
      if (!isUuid(userId)) return undefined;
      const rows = await database.read('get_user', { p_user_id: userId });
      return rows?.map(toRecord)[0];
    },
    allotProxyPort: async (userId) => {
      if (!isUuid(userId)) return undefined;
      return (await database.write('allot_proxy_port', { p_user_id: userId })) ?? undefined;
    },
    setMachine: async (userId, machineId) => {
      await database.write('set_user_machine', { p_user_id: userId, p_vm_id: machineId });
    },
    erase: async (userId, audit) => {
      if (!isUuid(userId)) return;
      await database.write('erase_user', { p_user_id: userId, ...auditArgument(audit) });
    },
    lastErasure: async (userId) => {
      if (!isUuid(userId)) return undefined;
      return (await database.read('last_erasure', { p_user_id: userId })) ?? undefined;
    },
  };
}

function toRecord(row: Row<'users'>): UserRecord {
  return {
    userId: row.user_id,
    externalId: row.external_id,
    proxyPort: row.decodo_proxy_port,
    fixedAddress: row.decodo_fixed_ip,
    machineId: row.vm_id,
  };
}
