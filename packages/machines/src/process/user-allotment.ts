import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { isUserActive } from '../host/process.ts';

/** Above the host's regular UIDs and below the range systemd gives to containers (524288 and up). */
const FIRST = 200_000;
const BLOCK = 1000;
const BLOCKS = 300;

/**
 * Allots each machine a unique UID. A claim is an exclusively created file. Each data directory starts in a different
 * block, and a UID that any process on the host uses is skipped.
 */
export async function allotUser(dataDirectory: string, machineId: string): Promise<number> {
  const claims = claimsDirectory(dataDirectory);
  await mkdir(claims, { recursive: true, mode: 0o700 });
  const block = createHash('sha256').update(dataDirectory).digest().readUInt32BE(0) % BLOCKS;
  for (let offset = 0; offset < BLOCK; offset++) {
    const uid = FIRST + block * BLOCK + offset;
    if ((await tryClaim(join(claims, String(uid)), machineId)) && !(await isUserActive(uid))) {
      return uid;
    }
  }
  throw new SallyportError('MACHINE_FAILED', `All ${BLOCK} users for machines of this data directory are taken.`, {
    hint: 'Destroy machines that are no longer needed.',
  });
}

export async function releaseUser(dataDirectory: string, uid: number, machineId: string): Promise<void> {
  const claim = join(claimsDirectory(dataDirectory), String(uid));
  if ((await readFile(claim, 'utf8').catch(() => undefined)) === machineId) {
    await rm(claim, { force: true });
  }
}

/** Frees users whose machine is not in this list: a server died before it wrote the machine's record. */
export async function releaseStrayUsers(
  dataDirectory: string,
  machineIds: ReadonlySet<string>,
): Promise<readonly string[]> {
  const claims = claimsDirectory(dataDirectory);
  const released: string[] = [];
  for (const uid of await readdir(claims).catch(() => [])) {
    const machineId = await readFile(join(claims, uid), 'utf8');
    if (machineIds.has(machineId)) continue;
    await rm(join(claims, uid), { force: true });
    released.push(`user ${uid} of ${machineId}`);
  }
  return released;
}

function claimsDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'machine-users');
}

async function tryClaim(path: string, machineId: string): Promise<boolean> {
  try {
    await writeFile(path, machineId, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return false;
    }
    throw error;
  }
}
