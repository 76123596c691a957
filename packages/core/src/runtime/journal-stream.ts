import type { Clock } from '../base/clock.ts';
import type { JournalEntry } from '../contracts/store.ts';

/** Wakes everybody who follows a stream. Only a hint: followers read what happened from the store. */
export interface Notifier {
  ring(topic: string): void;
  /** Resolves at the next ring of the topic, or after `ms`. */
  wait(topic: string, ms: number, signal: AbortSignal): Promise<void>;
}

export function createNotifier(clock: Clock): Notifier {
  const waiting = new Map<string, Set<() => void>>();
  return {
    ring: (topic) => {
      const sleepers = waiting.get(topic);
      waiting.delete(topic);
      for (const wake of sleepers ?? []) wake();
    },
    wait: async (topic, ms, signal) => {
      const woken = new AbortController();
      const wake = (): void => woken.abort();
      const sleepers = waiting.get(topic) ?? new Set();
      sleepers.add(wake);
      waiting.set(topic, sleepers);
      try {
        await clock.sleep(ms, AbortSignal.any([woken.signal, signal]));
      } catch {
        signal.throwIfAborted();
      } finally {
        sleepers.delete(wake);
        if (sleepers.size === 0 && waiting.get(topic) === sleepers) waiting.delete(topic);
      }
    },
  };
}

/** A ring may be lost (another process wrote, the server was restarted), so the store is asked this often anyway. */
const SAFETY_POLL_MS = 2_000;

export interface Journal<T> {
  readonly topic: string;
  read(afterId: number): Promise<readonly JournalEntry<T>[]>;
  /** The last entry of its stream. */
  isLast(event: T): boolean;
  /** Whether the last entry has been written: somebody who comes back may have seen it already. */
  isOver(): Promise<boolean>;
}

export interface FollowOptions<T> extends Journal<T> {
  readonly afterId: number;
  readonly signal: AbortSignal;
}

/** Whether nothing comes after `afterId`, now or later. */
export async function isReadToEnd<T>(journal: Journal<T>, afterId: number): Promise<boolean> {
  // In this order: after the last entry there is none that the reading could miss.
  return (await journal.isOver()) && (await journal.read(afterId)).length === 0;
}

/** Every entry after `afterId`, the stored ones first, then each as it comes, until the last. */
export async function* followJournal<T>(
  notifier: Notifier,
  options: FollowOptions<T>,
): AsyncGenerator<JournalEntry<T>> {
  let { afterId } = options;
  const isAtStart = (): boolean => afterId === options.afterId;
  for (;;) {
    options.signal.throwIfAborted();
    // Armed before reading: an entry written in between rings this wait, not the one after it.
    const stopWaiting = new AbortController();
    const rung = notifier
      .wait(options.topic, SAFETY_POLL_MS, AbortSignal.any([options.signal, stopWaiting.signal]))
      .catch(() => undefined);
    try {
      const entries = await options.read(afterId);
      for (const entry of entries) {
        afterId = entry.id;
        yield entry;
        if (options.isLast(entry.event)) return;
      }
      if (entries.length > 0) continue;
      // Read once more: the last entry may have been written between the reading and the asking.
      if (isAtStart() && (await options.isOver())) {
        if ((await options.read(afterId)).length === 0) return;
        continue;
      }
      await rung;
    } finally {
      stopWaiting.abort();
    }
  }
}
