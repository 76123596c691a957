import { createHash } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import { isUserActive } from '../host/process.ts';
import { readReservedIds } from '../host/reserved-ids.ts';
import type { IdRange } from '../host/reserved-ids.ts';
import { hasCode } from '../host/safe-directory.ts';

/** Above the host's regular UIDs and below the range systemd gives to containers (524288 and up). */
const FIRST = 200_000;
const BLOCK = 1000;
const BLOCKS = 300;

/** Name of the file that holds the UID allotted last. */
const LAST = 'last';

export interface HostUsers {
  /** UIDs that this host has given to others. */
  readonly reserved: readonly IdRange[];
  /** Checks whether any process on this host runs as this user. */
  readonly isActive: (uid: number) => Promise<boolean>;
}

async function readHostUsers(): Promise<HostUsers> {
  return { reserved: await readReservedIds(), isActive: isUserActive };
}

/**
 * Allots each machine a unique UID. A claim is a file named by the UID that contains the machine's ID. Each data
 * directory starts in a different block. It skips UIDs that the host has given to its users or delegated to their
 * containers, and those that a process uses: all processes of a machine's UID are killed when it stops. It goes around,
 * so a released UID rests until the others of its block have been used.
 */
export async function allotUser(dataDirectory: string, machineId: string, host?: HostUsers): Promise<number> {
  const { reserved, isActive } = host ?? (await readHostUsers());
  const claims = claimsDirectory(dataDirectory);
  await mkdir(claims, { recursive: true, mode: 0o700 });
  // Linked to its name when complete, so that no one reads a claim without its machine.
  const draft = join(claims, machineId);
  await writeFile(draft, machineId, { mode: 0o600 });
  try {
    for (const uid of candidates(dataDirectory, await readLast(claims))) {
      if (reserved.some(({ start, end }) => start <= uid && uid < end)) continue;
      const claim = join(claims, String(uid));
      if (!(await tryLink(draft, claim))) continue;
      if (await isActive(uid)) {
        await rm(claim, { force: true });
        continue;
      }
      await writeFile(join(claims, LAST), String(uid), { mode: 0o600 });
      return uid;
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new SallyportError('MACHINE_FAILED', 'No user ID is free for a machine on this host.', {
    hint: `Destroy machines that are no longer needed, or free user IDs between ${FIRST} and ${FIRST + BLOCKS * BLOCK - 1} in /etc/subuid and /etc/subgid.`,
  });
}

/** All UIDs in the order to try them: those of this data directory's block after the last one, then the other blocks. */
function* candidates(dataDirectory: string, last: number | undefined): Generator<number> {
  const home = createHash('sha256').update(dataDirectory).digest().readUInt32BE(0) % BLOCKS;
  const lastBlock = last === undefined ? home : Math.floor((last - FIRST) / BLOCK);
  const lastOffset = last === undefined ? -1 : (last - FIRST) % BLOCK;
  for (let step = 0; step < BLOCKS; step++) {
    const block = (lastBlock + step) % BLOCKS;
    for (let offset = 0; offset < BLOCK; offset++) {
      yield FIRST + block * BLOCK + ((lastOffset + 1 + offset) % BLOCK);
    }
  }
}

async function readLast(claims: string): Promise<number | undefined> {
  const last = Number(await readFile(join(claims, LAST), 'utf8').catch(() => NaN));
  return last >= FIRST && last < FIRST + BLOCKS * BLOCK ? last : undefined;
}

export async function releaseUser(dataDirectory: string, uid: number, machineId: string): Promise<void> {
  const claim = join(claimsDirectory(dataDirectory), String(uid));
  if ((await readFile(claim, 'utf8').catch(() => undefined)) === machineId) {
    await rm(claim, { force: true });
  }
}

/** Frees users whose machine does not exist: a server died before it wrote the machine's record. */
export async function releaseStrayUsers(
  dataDirectory: string,
  machineExists: (machineId: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const claims = claimsDirectory(dataDirectory);
  const released: string[] = [];
  for (const name of await readdir(claims).catch(() => [])) {
    if (name === LAST) continue;
    const machineId = isUid(name) ? await readClaim(join(claims, name)) : name;
    if (machineId === undefined || (await machineExists(machineId))) continue;
    await rm(join(claims, name), { force: true });
    if (isUid(name)) released.push(`user ${name} of ${machineId}`);
  }
  return released;
}

function claimsDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'machine-users');
}

function isUid(name: string): boolean {
  return /^\d+$/.test(name);
}

/** The ID of the claim's machine, or `undefined` if the UID has just been released. */
async function readClaim(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Returns `false` if the name is taken. */
async function tryLink(existing: string, name: string): Promise<boolean> {
  try {
    await link(existing, name);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}
