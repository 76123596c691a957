import { auditCursorUnknown } from '../contracts/audit-store.ts';
import type { AuditEntry, AuditStore, NewAuditEntry } from '../contracts/audit-store.ts';

/** Writes an entry, if there is one, in the turn of the change that it tells of. */
export type WriteAudit = (entry: NewAuditEntry | undefined) => void;

export function memoryAudit(): AuditStore & { readonly write: WriteAudit } {
  const entries: AuditEntry[] = [];
  const write: WriteAudit = (entry) => {
    if (entry) entries.push({ ...structuredClone(entry), id: String(entries.length + 1) });
  };
  return {
    write,
    append: async (entry) => write(entry),
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
