import type { Clock } from '@sallyport/core';

import type { ApiClient } from '../api-client.ts';
import { patch } from '../request.ts';
import type { FirecrackerRequest } from '../request.ts';

/** A guest that has memory to give gives it at once; one that has none never does. */
const GIVE_WITHIN_MS = 2000;
const LOOK_EVERY_MS = 50;

/**
 * Asks the guest for memory it does not use, so that its snapshot has zeroes there. Its processors must run. It is a
 * request to the guest's own driver, which may refuse or lie: what it says ends the wait early and decides nothing.
 */
export async function takeMemory(api: ApiClient, amountMb: number, clock: Clock, signal: AbortSignal): Promise<void> {
  const until = clock.monotonic() + GIVE_WITHIN_MS;
  await api.send(patch('/balloon', { amount_mib: amountMb }), signal);
  while (!hasGiven(await api.send({ method: 'GET', path: '/balloon/statistics' }, signal), amountMb)) {
    if (clock.monotonic() >= until) {
      return;
    }
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** The guest has all of its memory again. */
export const returnMemory = (): FirecrackerRequest => patch('/balloon', { amount_mib: 0 });

function hasGiven(statistics: unknown, amountMb: number): boolean {
  return (
    typeof statistics === 'object' &&
    statistics !== null &&
    'actual_mib' in statistics &&
    Number(statistics.actual_mib) >= amountMb
  );
}
