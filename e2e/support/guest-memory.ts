import { shellInGuest } from './guest-run.ts';
import type { Guest } from './guest.ts';

/** What a piece of work took of a guest's memory. In MB. */
export interface MemoryTaken {
  /** Most that was in use at any moment, the system included, but for what can be read from a disk again. */
  readonly mostUsed: number;
  /** Most that lay compressed in zram at any moment, before compression. */
  readonly mostSwapped: number;
  /** Programs that the kernel has ended for want of memory since the start. */
  readonly oomKills: number;
}

/** Looks at a guest's memory, about twice a second, while something is done in it. */
export async function watchMemory<T>(
  guest: Guest,
  token: string,
  work: () => Promise<T>,
): Promise<readonly [T, MemoryTaken]> {
  const over = new AbortController();
  let mostUsed = 0;
  let mostSwapped = 0;
  const watching = shellInGuest(guest, token, WATCH, {
    signal: over.signal,
    onLine: (line) => {
      const [used = 0, swapped = 0] = line.split(' ').map(Number);
      mostUsed = Math.max(mostUsed, used);
      mostSwapped = Math.max(mostSwapped, swapped);
    },
  }).catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  const done = await Promise.race([work(), watching.then(() => Promise.reject(new Error('Nobody watches any more.')))]);
  over.abort();
  await watching;
  const killed = await shellInGuest(guest, token, "sed -n 's/^oom_kill //p' /proc/vmstat");
  return [done, { mostUsed, mostSwapped, oomKills: Number(killed) }];
}

const WATCH = `
while :; do
  /bin/busybox awk '
    /^MemTotal:/ { total = $2 }
    /^MemAvailable:/ { available = $2 }
    /^SwapTotal:/ { swap = $2 }
    /^SwapFree:/ { free = $2 }
    END { printf "%d %d\\n", (total - available) / 1024, (swap - free) / 1024 }' /proc/meminfo
  sleep 0.5
done`;
