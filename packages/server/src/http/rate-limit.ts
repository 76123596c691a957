import { checkLimit } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

export interface RateLimitOptions {
  /** What is counted, for the message: `preparations`. */
  readonly what: string;
  /** Of one user. */
  readonly perUser: number;
  /** Of all users. It also bounds how many are remembered. */
  readonly inAll: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

export interface RateLimit {
  /** Counts one. Throws `LIMIT_REACHED` if the user, or all users, have had as many in this minute, and says when the next one begins. */
  count(userId: string): void;
}

const WINDOW_MS = 60_000;

/** Counts in minutes that are the same for all users, so that nothing is kept of those who are gone. */
export function createRateLimit({ what, perUser, inAll, clock }: RateLimitOptions): RateLimit {
  const counts = new Map<string, number>();
  let total = 0;
  let endsAt = -Infinity;
  return {
    count: (userId) => {
      const now = clock.monotonic();
      if (now >= endsAt) {
        counts.clear();
        total = 0;
        endsAt = now + WINDOW_MS;
      }
      const count = counts.get(userId) ?? 0;
      const secondsLeft = Math.ceil((endsAt - now) / 1000);
      // First: a user over their limit takes nothing from the others.
      checkLimit(`${what} of this user in a minute`, count, perUser, secondsLeft);
      checkLimit(`${what} in a minute`, total, inAll, secondsLeft);
      counts.set(userId, count + 1);
      total += 1;
    },
  };
}
