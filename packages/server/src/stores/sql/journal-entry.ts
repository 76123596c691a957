import type { JournalEntry } from '@sallyport/core/store';

import type { Database } from '../database-types.ts';

/** The event is text in the database's answer, and the JSON that was stored. */
export function toJournalEntry<Event>(
  entry: Database['sallyport']['CompositeTypes']['journal_entry'],
): JournalEntry<Event> {
  const event: Event = JSON.parse(entry.event);
  return { id: entry.id, event };
}
