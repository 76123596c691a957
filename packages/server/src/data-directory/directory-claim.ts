import { randomBytes } from 'node:crypto';
import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';

import { hasCode } from '../host/node-error.ts';
import { makePrivateDirectory, socketDirectoryFor } from '../host/socket-path.ts';

/** Holds a directory for this process until it is released, or until the process ends in whatever way. */
export interface DirectoryClaim {
  readonly release: () => Promise<void>;
}

/**
 * Claims a directory for this process alone. Returns the pid of the process that has it, if there is one.
 * Throws what the file system says.
 *
 * Every claimant listens on its own unix socket below `<directory>/lock` and then looks for others that answer. A
 * socket answers exactly as long as its process lives, so nothing is left behind that could be mistaken for a claim,
 * and of two claimants at least the later one sees the other. (Node has no flock; a pid file can name a stranger.)
 */
export async function claimDirectory(folder: string): Promise<DirectoryClaim | { readonly holder: number }> {
  const wanted = join(await realpath(folder), 'lock');
  const lock = socketDirectoryFor(wanted, longestClaimName);
  let holder: number | undefined;
  let vanished: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const claim = await tryClaim(lock, lock !== wanted).catch((error: unknown) => {
      // Its last user has just left. A file system that cannot hold it says the same, each time.
      if (!hasCode(error, 'ENOENT')) throw error;
      vanished = error;
      return undefined;
    });
    if (typeof claim === 'object') return claim;
    holder = claim ?? holder;
    // Two that start at once both see the other and both step back; the next try tells who is first.
    await systemClock.sleep(5 + Math.random() * 40);
  }
  if (holder === undefined) throw vanished;
  return { holder };
}

const longestClaimName = '4194304-00000000'.length;
const ATTEMPTS = 4;

/** The claim, or the pid of another claimant. Throws ENOENT if the directory vanishes meanwhile. */
async function tryClaim(lock: string, isElsewhere: boolean): Promise<DirectoryClaim | number> {
  const name = `${process.pid}-${randomBytes(4).toString('hex')}`;
  await makePrivateDirectory(lock);
  const server = await listen(join(lock, name));
  const release = async (): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
    await rm(join(lock, name), { force: true });
    // Nobody else tidies up the directory for temporary files. It stays while there are other claims in it.
    if (isElsewhere) await rmdir(lock).catch(() => undefined);
  };
  try {
    const holder = await findOther(lock, name);
    if (holder === undefined) return { release };
    await release();
    return holder;
  } catch (error) {
    await release();
    throw error;
  }
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => resolve(server.unref()));
  });
}

/** The pid of another claimant that answers. Claims that do not answer are removed: their names are never used again. */
async function findOther(lock: string, own: string): Promise<number | undefined> {
  for (const name of await readdir(lock)) {
    const [, pid] = /^(\d+)-[0-9a-f]{8}$/.exec(name) ?? [];
    if (pid === undefined || name === own) continue;
    if (await answers(join(lock, name))) return Number(pid);
    await rm(join(lock, name), { force: true });
  }
  return undefined;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    // Anything else than nobody being there counts as an answer: a full queue, another user's socket, a reset.
    socket.once('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED') && !hasCode(error, 'ENOENT')));
  });
}
