import { setTimeout as sleep } from 'node:timers/promises';

/** Only ends what hangs, and does so before the runner's own limit, since it can say what was missing. */
export const HANG_LIMIT_MS = 4 * 60_000;

/**
 * Checks a condition until it holds. Takes no milliseconds: a test waits for something to be so, never for time to pass.
 * Rejects with `what` after four minutes.
 */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + HANG_LIMIT_MS;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`Waited ${HANG_LIMIT_MS / 1000} s for ${what}.`);
    await sleep(5);
  }
}
