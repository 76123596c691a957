import { FIRST_PROXY_PORT } from '../contracts/store.ts';
import type { WriteAudit } from './memory-audit.ts';
import type { UserRecord, UserStore } from '../contracts/store.ts';

export function memoryUsers(writeAudit: WriteAudit): UserStore {
  const users = new Map<string, UserRecord>();
  let lastPort = FIRST_PROXY_PORT - 1;
  return {
    ensure: async (userId, externalId) => {
      const known = users.get(userId);
      if (known) return { ...known };
      lastPort += 1;
      const user = { userId, externalId, proxyPort: lastPort, fixedAddress: null, machineId: null };
      users.set(userId, user);
      return { ...user };
    },
    get: async (userId) => structuredClone(users.get(userId)),
    setMachine: async (userId, machineId) => {
      const user = users.get(userId);
      if (user) users.set(userId, { ...user, machineId });
    },
    erase: async (userId, audit) => {
      if (users.delete(userId)) writeAudit(audit);
    },
  };
}
