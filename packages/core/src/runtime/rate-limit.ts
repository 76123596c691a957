import type { Clock } from '../base/clock.ts';

/** Lets something happen a few times at once, and then once in a while. */
export interface RateLimit {
  /** Whether it may happen now. Changes nothing. */
  allows(key: string): boolean;
  /** It has happened. */
  note(key: string): void;
}

export interface RateLimitOptions {
  readonly clock: Clock;
  /** How often it may happen at once. */
  readonly burst: number;
  /** How long after that until it may happen once more. */
  readonly everyMs: number;
}

/** A key is forgotten once it may happen as often as at first. */
export function createRateLimit({ clock, burst, everyMs }: RateLimitOptions): RateLimit {
  /** Monotonic time at which each key may happen as often as at first. */
  const fullAt = new Map<string, number>();
  return {
    allows: (key) => (fullAt.get(key) ?? -Infinity) - clock.monotonic() <= (burst - 1) * everyMs,
    note: (key) => {
      const now = clock.monotonic();
      for (const [other, time] of fullAt) if (time <= now) fullAt.delete(other);
      fullAt.set(key, Math.max(now, fullAt.get(key) ?? now) + everyMs);
    },
  };
}
