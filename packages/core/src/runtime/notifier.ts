import type { Clock } from '../base/clock.ts';

/** Wakes everybody who waits for a topic. */
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
