import { liveSessionStatuses } from '../contracts/store.ts';
import type { HeldLogins } from '../login/held-logins.ts';
import type { Runtime } from '../runtime/runtime.ts';

/** Deletes in small batches, so that nobody waits long for a lock. */
const BATCH = 500;

/** Deletes the Idempotency-Keys that no longer count. */
export async function pruneIdempotencyKeys({ closing, store }: Runtime): Promise<void> {
  while (!closing.aborted && (await store.idempotency.prune(BATCH)) > 0);
}

/**
 * Deletes connect links that have expired or were spent, and what is still held for them. One whose login still runs is left:
 * what that brings would be found by nobody.
 */
export async function pruneConnectLinks(runtime: Runtime, held: Pick<HeldLogins, 'discard'>): Promise<void> {
  const { connectLinks, sessions } = runtime.store;
  for (const { linkId, sessionId, userId } of await connectLinks.list({ ended: true, limit: BATCH })) {
    if (runtime.closing.aborted) return;
    if (sessionId !== null) {
      const session = await sessions.get(sessionId);
      if (session && liveSessionStatuses.includes(session.status)) continue;
      await held.discard({ sessionId, userId }, 'unclaimed');
    }
    await connectLinks.remove(linkId);
  }
}

/** Deletes the history that is older than the retention allows. */
export async function pruneHistory({ closing, settings, store }: Runtime): Promise<void> {
  const { historyMs } = settings;
  if (historyMs === Infinity) return;
  while (!closing.aborted && (await store.history.prune(historyMs, BATCH)) > 0);
}
