import type { HistoryStore } from '../contracts/history-store.ts';

interface EndedRecord {
  readonly id: string;
  readonly userId: string;
  readonly provider: string;
  readonly endedAt: Date;
}

/** The ended records of one kind. */
export interface EndedRecords {
  list(): readonly EndedRecord[];
  /** Deletes a record with its events. */
  erase(id: string): void;
}

export function memoryHistory(kinds: readonly EndedRecords[], now: () => Date): HistoryStore {
  function eraseWhere(isWanted: (record: EndedRecord) => boolean, limit = Infinity): number {
    let count = 0;
    for (const kind of kinds) {
      const wanted = kind.list().filter(isWanted).slice(0, limit);
      for (const { id } of wanted) kind.erase(id);
      count += wanted.length;
    }
    return count;
  }

  return {
    erase: async (userId, provider) =>
      eraseWhere((record) => record.userId === userId && (provider === undefined || record.provider === provider)),
    prune: async (ageMs, limit) => {
      const latest = now().getTime() - ageMs;
      return eraseWhere(({ endedAt }) => endedAt.getTime() <= latest, limit);
    },
  };
}
