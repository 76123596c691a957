import type { Clock } from '@sallyport/core';

const POLL_MS = 20;
/** After SIGKILL only the kernel's own work is left; a zombie that nobody reaps is not waited for longer. */
const AFTER_KILL_MS = 500;

/**
 * Ends a process group: SIGTERM, and SIGKILL for what is left after the grace. Never rejects, and returns when
 * the group is gone. `groupId` must be the id of a child that was started as the leader of its own group.
 */
export async function endProcessGroup(groupId: number, graceMs: number, clock: Clock): Promise<void> {
  if (!signalGroup(groupId, 'SIGTERM')) return;
  if (await gone(groupId, graceMs, clock)) return;
  signalGroup(groupId, 'SIGKILL');
  await gone(groupId, AFTER_KILL_MS, clock);
}

/** Sends a signal to every process of the group; false when there is none left. */
export function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  // kill(2) takes 0 and 1 for this process's own group and for everybody.
  if (groupId <= 1) return false;
  try {
    return process.kill(-groupId, signal);
  } catch (error) {
    // EPERM: everything left belongs to somebody else, so it is not ours to wait for.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')) return false;
    throw error;
  }
}

async function gone(groupId: number, withinMs: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonic() + withinMs;
  while (signalGroup(groupId, 0)) {
    if (clock.monotonic() >= until) return false;
    await clock.sleep(POLL_MS);
  }
  return true;
}
