import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';

import { SallyportError, type EpochMemory } from '@sallyport/core';
import { z } from 'zod';

import { hasCode } from '../host/node-error.ts';
import { syncDirectory } from '../host/sync-directory.ts';

/** What `server.json` in the data directory holds. */
const identitySchema = z.strictObject({
  host: z.string().min(1).max(300),
  epoch: z.number().int().nonnegative(),
});

type Identity = z.infer<typeof identitySchema>;

export interface ServerIdentity {
  /** Names this data directory's rows in the database. Stays the same when the computer's name changes. */
  readonly host: string;
  readonly epochMemory: EpochMemory;
}

/**
 * Reads this data directory's identity, and creates it the first time. Earlier releases named their rows by the
 * computer's name: a directory that such a release has used, which then has master keys, goes on with that.
 */
export async function openServerIdentity(dataDirectory: string): Promise<ServerIdentity> {
  const path = join(dataDirectory, 'server.json');
  let identity = await readIdentity(path);
  if (identity === undefined) {
    const isEarlier = (await readdir(join(dataDirectory, 'master-keys')).catch(() => [])).length > 0;
    identity = { host: isEarlier ? hostname() : `${hostname()}-${randomBytes(4).toString('hex')}`, epoch: 0 };
    await writeIdentity(path, identity);
  }
  const { host } = identity;
  let { epoch } = identity;
  return {
    host,
    epochMemory: {
      read: async () => epoch,
      write: async (next) => {
        await writeIdentity(path, { host, epoch: next });
        epoch = next;
      },
    },
  };
}

async function readIdentity(path: string): Promise<Identity | undefined> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SallyportError('CONFIG_INVALID', `${path} is damaged.`, {
      hint: 'Restore it from a backup. Its host is the column "host" of this directory\'s machines in the table sallyport.vms.',
      cause,
    });
  }
}

/** Replaces the file: the old or the new one is there, complete, also after a loss of power. */
async function writeIdentity(path: string, identity: Identity): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, `${JSON.stringify(identity)}\n`, { mode: 0o600, flush: true });
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}
