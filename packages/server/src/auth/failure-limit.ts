import { SallyportError } from '@sallyport/core';
import type { Clock } from '@sallyport/core';

import { clientNetwork } from './client-network.ts';

export interface FailureLimitOptions {
  /** Refused credentials of one IPv4 address, or one IPv6 /64, in a minute. */
  readonly perMinute: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Networks that are counted at a time; the one that failed longest ago gives way. Default 10 000. */
  readonly capacity?: number;
}

/** Counts refused credentials, and nothing else: users behind one address must not lock each other out. */
export interface FailureLimit {
  /** Whether this address has had as many as it may in this minute. */
  isReached(address: string): boolean;
  /** Counts one. Throws `LIMIT_REACHED` in its place if the limit was reached before. */
  count(address: string): void;
  /** Networks that are remembered. */
  readonly size: number;
}

const WINDOW_MS = 60_000;

/** Counts in minutes that are the same for all addresses, so that nothing is kept of those that are gone. */
export function createFailureLimit({ perMinute, clock, capacity = 10_000 }: FailureLimitOptions): FailureLimit {
  const counts = new Map<string, number>();
  let endsAt = -Infinity;

  function countsNow(): Map<string, number> {
    const now = clock.monotonic();
    if (now >= endsAt) {
      counts.clear();
      endsAt = now + WINDOW_MS;
    }
    return counts;
  }

  return {
    isReached: (address) => (countsNow().get(networkOf(address)) ?? 0) >= perMinute,
    count: (address) => {
      const network = networkOf(address);
      const count = countsNow().get(network) ?? 0;
      if (count >= perMinute) {
        throw new SallyportError('LIMIT_REACHED', 'Too many API keys and tokens from this address were refused.', {
          hint: 'Correct the API key or token. One that is valid is accepted at any time.',
          details: { retryAfterSeconds: Math.ceil((endsAt - clock.monotonic()) / 1000) },
        });
      }
      // Behind the others: the first ones give way.
      counts.delete(network);
      counts.set(network, count + 1);
      const [oldest] = counts.keys();
      if (counts.size > capacity && oldest !== undefined) counts.delete(oldest);
    },
    get size() {
      return counts.size;
    },
  };
}

/** What a proxy forwards as an address may be anything, of any length. */
function networkOf(address: string): string {
  return clientNetwork(address.slice(0, 64));
}
