import { auditCursorUnknown } from '../contracts/audit-store.ts';
import type { AuditEntry, AuditStore } from '../contracts/audit-store.ts';

export function memoryAudit(): AuditStore {
  const entries: AuditEntry[] = [];
  return {
    append: async (entry) => {
      entries.push({ ...structuredClone(entry), id: String(entries.length + 1) });
    },
    list: async ({ limit, before, userId, type, since }) => {
      const sorted = entries.toSorted(newestFirst);
      const place = before === undefined ? -1 : sorted.findIndex(({ id }) => id === before);
      if (before !== undefined && place < 0) throw auditCursorUnknown();
      const found = sorted
        .slice(place + 1)
        .filter(
          (entry) =>
            (userId ?? entry.userId) === entry.userId &&
            (type ?? entry.type) === entry.type &&
            (since === undefined || entry.at >= since),
        );
      return structuredClone(found.slice(0, limit));
    },
  };
}

function newestFirst(one: AuditEntry, other: AuditEntry): number {
  return other.at.getTime() - one.at.getTime() || Number(other.id) - Number(one.id);
}
