import { IDEMPOTENCY_KEPT_MS } from '../contracts/idempotency-store.ts';
import type { IdempotencyClaim, IdempotencyScope, IdempotencyStore } from '../contracts/idempotency-store.ts';

interface Row extends IdempotencyClaim {
  readonly userId: string;
  readonly createdAt: number;
  isCompleted: boolean;
}

export function memoryIdempotency(now: () => number): IdempotencyStore {
  const rows = new Map<string, Row>();
  const nameOf = ({ userId, route, key }: IdempotencyScope): string => JSON.stringify([userId, route, key]);
  const isOld = ({ createdAt }: Row): boolean => now() - createdAt >= IDEMPOTENCY_KEPT_MS;

  function find(scope: IdempotencyScope, resourceId: string): Row | undefined {
    const row = rows.get(nameOf(scope));
    return row?.resourceId === resourceId ? row : undefined;
  }

  return {
    claim: async (scope, { bodyHash, resourceId }) => {
      const row = rows.get(nameOf(scope));
      if (row && !isOld(row)) {
        const { createdAt, isCompleted } = row;
        return { bodyHash: row.bodyHash, resourceId: row.resourceId, isCompleted, ageMs: now() - createdAt };
      }
      const { userId } = scope;
      rows.set(nameOf(scope), { bodyHash, resourceId, userId, createdAt: now(), isCompleted: false });
      return undefined;
    },
    complete: async (scope, resourceId) => {
      const row = find(scope, resourceId);
      if (row) row.isCompleted = true;
    },
    release: async (scope, resourceId) => {
      if (find(scope, resourceId)) rows.delete(nameOf(scope));
    },
    erase: async (userId) => {
      for (const [name, row] of rows) if (row.userId === userId) rows.delete(name);
    },
    prune: async (limit) => {
      const old = [...rows].filter(([, row]) => isOld(row)).slice(0, limit);
      for (const [name] of old) rows.delete(name);
      return old.length;
    },
  };
}
