import type { JournalEntry } from '../contracts/store.ts';

/** Events by stream, with one growing id for all streams, as a sequence of a database gives. */
export function createMemoryJournal<Event>() {
  const streams = new Map<string, JournalEntry<Event>[]>();
  let lastId = 0;
  return {
    append: (stream: string, event: Event): JournalEntry<Event> => {
      lastId += 1;
      const entry = { id: lastId, event: structuredClone(event) };
      const entries = streams.get(stream) ?? [];
      entries.push(entry);
      streams.set(stream, entries);
      return structuredClone(entry);
    },
    erase: (stream: string): void => void streams.delete(stream),
    after: (stream: string, afterId: number, limit = Infinity): readonly JournalEntry<Event>[] =>
      structuredClone((streams.get(stream) ?? []).filter(({ id }) => id > afterId).slice(0, limit)),
  };
}
