import type { Runtime } from '../runtime/runtime.ts';

/** Deletes in small batches, so that nobody waits long for a lock. */
const BATCH = 500;

/** Deletes the Idempotency-Keys that no longer count. */
export async function pruneIdempotencyKeys({ closing, store }: Runtime): Promise<void> {
  while (!closing.aborted && (await store.idempotency.prune(BATCH)) > 0);
}

/** Deletes the history that is older than the retention allows. */
export async function pruneHistory({ closing, settings, store }: Runtime): Promise<void> {
  const { historyMs } = settings;
  if (historyMs === Infinity) return;
  while (!closing.aborted && (await store.history.prune(historyMs, BATCH)) > 0);
}
