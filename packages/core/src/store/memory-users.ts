import { randomUUID } from 'node:crypto';

import type { Clock } from '../base/clock.ts';
import { FIRST_PROXY_PORT } from '../contracts/store.ts';
import type { WriteAudit } from './memory-audit.ts';
import type { UserRecord, UserStore } from '../contracts/store.ts';

/** A user token ends within the hour. */
const ERASURE_KEPT_MS = 24 * 60 * 60_000;

export function memoryUsers(writeAudit: WriteAudit, clock: Pick<Clock, 'now'>): UserStore {
  const users = new Map<string, UserRecord>();
  const erasures = new Map<string, { readonly id: string; readonly erasedAt: number }>();
  let lastPort = FIRST_PROXY_PORT - 1;
  return {
    ensure: async (userId, externalId) => {
      const known = users.get(userId);
      if (known) return { ...known };
      const user = { userId, externalId, proxyPort: null, fixedAddress: null, machineId: null };
      users.set(userId, user);
      return { ...user };
    },
    get: async (userId) => structuredClone(users.get(userId)),
    allotProxyPort: async (userId) => {
      const user = users.get(userId);
      if (!user || user.proxyPort !== null) return user?.proxyPort ?? undefined;
      lastPort += 1;
      users.set(userId, { ...user, proxyPort: lastPort });
      return lastPort;
    },
    setMachine: async (userId, machineId) => {
      const user = users.get(userId);
      if (user) users.set(userId, { ...user, machineId });
    },
    erase: async (userId, audit) => {
      if (users.delete(userId)) writeAudit(audit);
      // Moves it to the end, so that the oldest are first.
      erasures.delete(userId);
      erasures.set(userId, { id: randomUUID(), erasedAt: clock.now() });
      for (const [oldest, { erasedAt }] of erasures) {
        if (clock.now() - erasedAt < ERASURE_KEPT_MS) break;
        erasures.delete(oldest);
      }
    },
    lastErasure: async (userId) => erasures.get(userId)?.id,
  };
}
