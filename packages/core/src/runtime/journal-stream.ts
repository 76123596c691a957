import type { JournalEntry } from '../contracts/store.ts';
import type { JournalFeed } from './journal-feed.ts';

export interface Journal<T> {
  readonly topic: string;
  /** Entries after this id, oldest first. */
  read(afterId: number): Promise<readonly JournalEntry<T>[]>;
  /** The most entries that one reading gives. Default: all. */
  readonly pageSize?: number;
  /** The last entry of its stream. */
  isLast(event: T): boolean;
  /** Whether the last entry has been written: a reader who comes back may have seen it already. */
  isOver(): Promise<boolean>;
}

export interface FollowOptions<T> extends Journal<T> {
  readonly afterId: number;
  readonly signal: AbortSignal;
}

/** What comes behind an id: more, now or later; nothing, ever; or `unknown`, if a stream that still runs has no such entry. */
export type ResumePoint = 'more' | 'end' | 'unknown';

/** Looks for the entry behind which a reader wants to go on. */
export async function findResumePoint<T>(journal: Journal<T>, id: number): Promise<ResumePoint> {
  // In this order: after the last entry there is none that the reading could miss.
  if (await journal.isOver()) return (await journal.read(id)).length === 0 ? 'end' : 'more';
  const [entry] = await journal.read(id - 1);
  return entry?.id === id ? 'more' : 'unknown';
}

/**
 * Yields every entry after `afterId`, the stored ones first, then each as it is published, until the last. Reads the store only
 * at first and where the feed does not have what follows.
 */
export async function* followJournal<T>(feed: JournalFeed, options: FollowOptions<T>): AsyncGenerator<JournalEntry<T>> {
  let { afterId } = options;
  const { signal, pageSize = Infinity } = options;
  const isAtStart = (): boolean => afterId === options.afterId;
  // Joined before reading: what is written in between is in the feed.
  const follower = feed.join(options);
  try {
    for (let isBehind = true; ;) {
      signal.throwIfAborted();
      follower.reached(afterId);
      const published = follower.take(afterId);
      const mustRead: boolean = published === undefined || (isBehind && published.length === 0);
      const entries: readonly JournalEntry<T>[] = mustRead ? await options.read(afterId) : (published ?? []);
      for (const entry of entries) {
        afterId = entry.id;
        yield entry;
        if (options.isLast(entry.event)) return;
      }
      isBehind = mustRead && entries.length >= pageSize;
      if (entries.length > 0) continue;
      if (mustRead && isAtStart() && (await options.isOver())) {
        // The last entry may have been written between the reading and the asking.
        if ((await options.read(afterId)).length === 0) return;
        isBehind = true;
        continue;
      }
      await follower.wait(signal);
    }
  } finally {
    follower.leave();
  }
}
