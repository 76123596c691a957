import { FIRST_PROXY_PORT } from '../contracts/store.ts';
import type { UserRecord, UserStore } from '../contracts/store.ts';

export function memoryUsers(): UserStore {
  const users = new Map<string, UserRecord>();
  return {
    ensure: async (userId, externalId) => {
      const user = users.get(userId) ?? {
        userId,
        externalId,
        proxyPort: FIRST_PROXY_PORT + users.size,
        fixedAddress: null,
        machineId: null,
      };
      users.set(userId, user);
      return { ...user };
    },
    get: async (userId) => structuredClone(users.get(userId)),
    setMachine: async (userId, machineId) => {
      const user = users.get(userId);
      if (user) users.set(userId, { ...user, machineId });
    },
    // The time of last use is shown nowhere yet but in the database, which keeps it for the operator.
    touch: async () => undefined,
  };
}
