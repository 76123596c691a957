import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { identifyProcess, isRunning } from '../host/process.ts';
import { hasCode } from '../host/safe-directory.ts';

/**
 * Claims a port for this server among all servers of the host, before any of their CLIs listens on it. A claim
 * whose process is gone counts for nothing. `undefined`: another server has it.
 */
export async function claimPort(directory: string, port: number): Promise<(() => Promise<void>) | undefined> {
  const path = join(directory, `sallyport-callback-${port}.lock`);
  const owner = JSON.stringify(await identifyProcess(process.pid));
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      await writeFile(path, owner, { flag: 'wx', mode: 0o644 });
      return async () => rm(path, { force: true });
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) {
        throw error;
      }
    }
    if (await isHeld(path)) {
      return undefined;
    }
    // In a temporary directory with the sticky bit only its owner may remove it; then it stays somebody else's.
    await rm(path, { force: true }).catch(() => {});
  }
  return undefined;
}

async function isHeld(path: string): Promise<boolean> {
  try {
    const { pid, born }: { pid?: unknown; born?: unknown } = JSON.parse(await readFile(path, 'utf8'));
    return typeof pid === 'number' && typeof born === 'string' && (await isRunning({ pid, born }));
  } catch {
    return false;
  }
}
