import { checkLimit } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

export interface RateLimitOptions {
  /** What is counted, for the message: `preparations of this user in a minute`. */
  readonly what: string;
  /** Of one user. */
  readonly perMinute: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

export interface RateLimit {
  /** Counts one. Throws `LIMIT_REACHED` if the user has had as many in this minute, and says when the next one begins. */
  count(userId: string): void;
}

const WINDOW_MS = 60_000;

/** Counts in minutes that are the same for all users, so that nothing is kept of those who are gone. */
export function createRateLimit({ what, perMinute, clock }: RateLimitOptions): RateLimit {
  const counts = new Map<string, number>();
  let endsAt = -Infinity;
  return {
    count: (userId) => {
      const now = clock.monotonic();
      if (now >= endsAt) {
        counts.clear();
        endsAt = now + WINDOW_MS;
      }
      const count = counts.get(userId) ?? 0;
      checkLimit(what, count, perMinute, Math.ceil((endsAt - now) / 1000));
      counts.set(userId, count + 1);
    },
  };
}
