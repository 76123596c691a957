import type { Clock } from '../base/clock.ts';
import type { JournalEntry } from '../contracts/store.ts';

/** What was stored in one write of a stream. */
export interface JournalBatch<T> {
  /**
   * Id of the entry before the first one; 0 if there is none. `undefined` if the writer does not know what was stored:
   * followers read the store.
   */
  readonly after: number | undefined;
  readonly entries: readonly JournalEntry<T>[];
}

/** A stream as its followers read it from the store. */
export interface FollowedJournal<T> {
  readonly topic: string;
  read(afterId: number): Promise<readonly JournalEntry<T>[]>;
}

/**
 * Hands what this process stores to those who follow it, so that they need not read it again. One look at the store for all
 * followers of a topic, every {@link SAFETY_POLL_MS}, finds what another process has written.
 */
export interface JournalFeed {
  publish<T>(topic: string, batch: JournalBatch<T>): void;
  join<T>(journal: FollowedJournal<T>): Follower<T>;
}

export interface Follower<T> {
  /**
   * Takes what directly follows this id. Returns an empty array if nothing has been published, and `undefined` if something was
   * missed: the follower must read the store.
   */
  take(afterId: number): readonly JournalEntry<T>[] | undefined;
  /** Resolves once there is something to take. Throws what the look at the store threw, and the signal's reason. */
  wait(signal: AbortSignal): Promise<void>;
  /** Tells how far the follower has come. */
  reached(id: number): void;
  leave(): void;
}

/** A publication can be missed (another process wrote), so the store is asked this often anyway. */
const SAFETY_POLL_MS = 2_000;

/** What is kept for a follower that does not take it. One further behind reads the store. */
const MOST_KEPT = 1_000;

interface Member<T> {
  readonly journal: FollowedJournal<T>;
  batches: JournalBatch<T>[];
  kept: number;
  hasMissed: boolean;
  reached: number;
  failure: unknown;
  wake: () => void;
}

export function createJournalFeed(clock: Clock): JournalFeed {
  const topics = new Map<string, { readonly members: Set<Member<unknown>>; readonly closed: AbortController }>();

  function publish<T>(topic: string, batch: JournalBatch<T>): void {
    for (const member of topics.get(topic)?.members ?? []) {
      if (batch.after === undefined || member.kept + batch.entries.length > MOST_KEPT) {
        Object.assign(member, { batches: [], kept: 0, hasMissed: true });
      } else if (!member.hasMissed) {
        member.batches.push(batch);
        member.kept += batch.entries.length;
      }
      member.wake();
    }
  }

  /** Until the last follower leaves. */
  async function watchStore(topic: string, closed: AbortSignal): Promise<void> {
    for (;;) {
      await clock.sleep(SAFETY_POLL_MS, closed);
      const members = [...(topics.get(topic)?.members ?? [])];
      const [first] = members;
      if (!first) return;
      const after = Math.max(...members.map(({ reached }) => reached));
      try {
        const entries = await first.journal.read(after);
        if (entries.length > 0) publish(topic, { after, entries });
      } catch (error) {
        for (const member of members) Object.assign(member, { failure: error });
        for (const { wake } of members) wake();
      }
    }
  }

  return {
    publish,
    join: <T>(journal: FollowedJournal<T>): Follower<T> => {
      const { topic } = journal;
      const member: Member<T> = {
        journal,
        batches: [],
        kept: 0,
        hasMissed: false,
        reached: 0,
        failure: undefined,
        wake: () => undefined,
      };
      let group = topics.get(topic);
      if (!group) {
        group = { members: new Set(), closed: new AbortController() };
        topics.set(topic, group);
        watchStore(topic, group.closed.signal).catch(() => undefined);
      }
      const { members, closed } = group;
      members.add(member);
      return {
        take: (afterId) => {
          const { batches, hasMissed } = member;
          Object.assign(member, { batches: [], kept: 0, hasMissed: false });
          return hasMissed ? undefined : join(batches, afterId);
        },
        wait: async (signal) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          const wake = (): void => resolve();
          member.wake = wake;
          signal.addEventListener('abort', wake, { once: true });
          const hasNews = member.batches.length > 0 || member.hasMissed || member.failure !== undefined;
          if (!hasNews && !signal.aborted) await promise;
          signal.removeEventListener('abort', wake);
          signal.throwIfAborted();
          if (member.failure !== undefined) throw member.failure;
        },
        reached: (id) => {
          member.reached = id;
        },
        leave: () => {
          members.delete(member);
          if (members.size > 0) return;
          closed.abort();
          topics.delete(topic);
        },
      };
    },
  };
}

/** The entries after this id; `undefined` if one between may be missing. */
function join<T>(batches: readonly JournalBatch<T>[], afterId: number): readonly JournalEntry<T>[] | undefined {
  const taken: JournalEntry<T>[] = [];
  let last = afterId;
  for (const { after, entries } of batches) {
    const fresh = entries.filter(({ id }) => id > last);
    if (fresh.length === 0) continue;
    if (after === undefined || after > last) return undefined;
    taken.push(...fresh);
    last = fresh.at(-1)?.id ?? last;
  }
  return taken;
}
