import type { HistoryStore } from '../contracts/history-store.ts';

interface EndedRecord {
  readonly id: string;
  readonly userId: string;
  /** Absent for a machine. */
  readonly provider?: string;
  readonly endedAt: Date;
}

/** The ended records of one kind. */
export interface EndedRecords {
  list(): readonly EndedRecord[];
  /** Deletes a record with its events. */
  erase(id: string): void;
}

export interface HistoryParts {
  /** Logins and prompts. */
  readonly conversations: readonly EndedRecords[];
  readonly machines: EndedRecords;
  readonly now: () => Date;
}

export function memoryHistory({ conversations, machines, now }: HistoryParts): HistoryStore {
  function eraseFrom(
    kinds: readonly EndedRecords[],
    isWanted: (record: EndedRecord) => boolean,
    limit = Infinity,
  ): number {
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
      eraseFrom(
        conversations,
        (record) => record.userId === userId && (provider === undefined || record.provider === provider),
      ),
    prune: async (ageMs, limit) => {
      const latest = now().getTime() - ageMs;
      return eraseFrom([...conversations, machines], ({ endedAt }) => endedAt.getTime() <= latest, limit);
    },
  };
}
