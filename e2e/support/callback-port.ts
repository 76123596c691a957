import { mkdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const path = join(tmpdir(), 'sallyport-test-callback-port.lock');

/** The callback port of Codex is fixed: a second `codex login` on this host would cancel the first. */
export async function lockCallbackPort(signal: AbortSignal): Promise<() => Promise<void>> {
  for (;;) {
    try {
      // It either makes the directory or fails, whoever else tries (the oldest lock there is).
      await mkdir(path);
      return () => rm(path, { recursive: true, force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const age = await stat(path).then(
      (found) => Date.now() - found.mtimeMs,
      () => 0,
    );
    // Nothing that takes this lock runs for so long: whoever held it was killed.
    if (age > 5 * 60_000) await rm(path, { recursive: true, force: true });
    await sleep(100, undefined, { signal });
  }
}
