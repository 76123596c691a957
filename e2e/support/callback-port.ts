import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** In the abstract namespace of Linux, which belongs to a network namespace, as ports do. */
const NAME = '\0sallyport-test-callback-port';

/**
 * The callback port of Codex is fixed: a second `codex login` on this host would cancel the first. The kernel gives the name
 * to one process at a time, and takes it back when that process ends, however it ends.
 */
export async function lockCallbackPort(signal: AbortSignal): Promise<() => Promise<void>> {
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    try {
      server.listen(NAME);
      await once(server, 'listening');
      return () => new Promise((resolve) => void server.close(() => resolve()));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
    await sleep(100, undefined, { signal });
  }
}
