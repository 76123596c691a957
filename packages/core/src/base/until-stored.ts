import type { Clock } from './clock.ts';
import { SallyportError } from './errors.ts';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

/**
 * Repeats a write that must not be lost, such as the end of a prompt, until the store is available. Only for
 * idempotent writes: one that seemed to fail may have been committed. When the signal aborts, rejects with the last
 * error; `recover` completes the work at the next start.
 */
export async function untilStored<T>(clock: Clock, signal: AbortSignal, write: () => Promise<T>): Promise<T> {
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LAST_RETRY_MS)) {
    try {
      return await write();
    } catch (error) {
      const away = SallyportError.isInstance(error) && error.code === 'STORE_UNAVAILABLE';
      if (!away || signal.aborted) throw error;
      await clock.sleep(retryMs, signal).catch(() => undefined);
      if (signal.aborted) throw error;
    }
  }
}
