import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Clock } from '@sallyport/core';

import { endLeftovers, identifyProcess, isRunning } from '../host/process.ts';
import type { HostProcess } from '../host/process.ts';
import { removeTree } from '../host/remove-tree.ts';

/** Ends the name of a directory in which an installation is under way. */
export const UNFINISHED = '.tmp';

const OWNER = '.sallyport-installing';
/** A directory is without a note of its owner for an instant; after this time the owner died in it. */
const UNNOTED_MS = 60_000;

/** Notes in an unfinished installation whose it is, so that a later server can tell it from one that goes on. */
export async function noteInstaller(directory: string, npm?: number): Promise<void> {
  const server = await identifyProcess(process.pid);
  const worker = npm === undefined ? undefined : await identifyProcess(npm);
  await writeFile(join(directory, OWNER), JSON.stringify({ server, npm: worker }));
}

export async function removeNote(directory: string): Promise<void> {
  await rm(join(directory, OWNER), { force: true });
}

/** Removes what servers that died have left half installed, and ends the npm that still works on it. */
export async function clearLeftovers(directory: string, clock: Clock): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((each) => each.endsWith(UNFINISHED))) {
    const folder = join(directory, name);
    const owner = await readOwner(folder);
    if (owner ? owner.server && (await isRunning(owner.server)) : await isYoung(folder, clock)) {
      continue;
    }
    if (owner?.npm) {
      await endLeftovers({ init: owner.npm }, clock);
    }
    await removeTree(folder);
  }
}

interface Owner {
  readonly server?: HostProcess;
  readonly npm?: HostProcess;
}

async function readOwner(folder: string): Promise<Owner | undefined> {
  try {
    const owner: Owner = JSON.parse(await readFile(join(folder, OWNER), 'utf8'));
    return owner;
  } catch {
    return undefined;
  }
}

async function isYoung(folder: string, clock: Clock): Promise<boolean> {
  const facts = await stat(folder).catch(() => undefined);
  return facts !== undefined && clock.now() - facts.mtimeMs < UNNOTED_MS;
}
