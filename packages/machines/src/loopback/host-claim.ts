import { constants } from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { identifyProcess, isRunning } from '../host/process.ts';
import { hasCode } from '../host/safe-directory.ts';

/**
 * Claims a port for this server among all servers of the host, before any of their CLIs listens on it. A claim
 * whose process is gone counts for nothing. `undefined`: another server has it. Throws LOGIN_PORT_TAKEN if something
 * other than a claim is in its place: every user of the host can write to the temporary directory.
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
    // In a temporary directory with the sticky bit only its owner may remove it; then it stays another user's.
    await rm(path, { force: true }).catch(() => {});
  }
  throw unusable(path, 'cannot be replaced, and may belong to another user');
}

/** Whether a running server holds the claim. */
async function isHeld(path: string): Promise<boolean> {
  await using handle = await openClaim(path);
  if (!handle) return false;
  if (!(await handle.stat()).isFile()) throw unusable(path, 'is not a regular file');
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_CLAIM_BYTES));
  try {
    const { pid, born }: { pid?: unknown; born?: unknown } = JSON.parse(buffer.toString('utf8', 0, bytesRead));
    return typeof pid === 'number' && typeof born === 'string' && (await isRunning({ pid, born }));
  } catch {
    return false;
  }
}

const MAX_CLAIM_BYTES = 1024;

/** Without O_NONBLOCK, opening a named pipe would wait for a writer, in a thread that the process waits for at its end. */
const CLAIM_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `undefined` if it is gone by now. */
async function openClaim(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, CLAIM_FLAGS);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return undefined;
    if (hasCode(cause, 'ELOOP')) throw unusable(path, 'is a symbolic link', cause);
    throw unusable(path, 'cannot be read', cause);
  }
}

function unusable(path: string, problem: string, cause?: unknown): SallyportError {
  return new SallyportError('LOGIN_PORT_TAKEN', `The callback port cannot be claimed: ${path} ${problem}.`, {
    hint: `Look at it with \`ls -l ${path}\` and remove it, or choose the device-code method.`,
    cause,
  });
}
