import { randomBytes } from 'node:crypto';
import { lstat, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError, Secret } from '@sallyport/core';

import { syncDirectory } from '../host/sync-directory.ts';

/**
 * The master keys of a data directory: one file per key, named by its id. A file `ID.next` holds a key that has been copied
 * here before any server seals under it: credentials under it can be opened, and none are sealed under it.
 */
export interface MasterKeyFiles {
  readonly directory: string;
  /** Ids of the keys that may be sealed under, sorted. The last one is current. */
  readonly ids: readonly string[];
  /** Ids of the keys that only open so far, sorted. */
  readonly next: readonly string[];
}

const NEXT_SUFFIX = '.next';
const KEY_BYTES = 32;

export function masterKeyDirectory(dataDirectory: string): string {
  return join(dataDirectory, 'master-keys');
}

export async function listMasterKeys(directory: string): Promise<MasterKeyFiles> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith('.'));
  const ids = names.filter((name) => !name.endsWith(NEXT_SUFFIX)).toSorted();
  const next = names.filter((name) => name.endsWith(NEXT_SUFFIX)).map((name) => name.slice(0, -NEXT_SUFFIX.length));
  return { directory, ids, next: next.filter((id) => !ids.includes(id)).toSorted() };
}

/** Throws `CONFIG_INVALID` if credentials are sealed under a key that is not here. */
export function assertKeysPresent({ directory, ids, next }: MasterKeyFiles, inUse: readonly string[]): void {
  const missing = inUse.filter((id) => !ids.includes(id) && !next.includes(id));
  if (missing.length === 0) return;
  throw new SallyportError(
    'CONFIG_INVALID',
    `Stored credentials are sealed under the master key ${missing.join(', ')}, which is not in ${directory}.`,
    {
      hint: `Put ${missing.map((id) => join(directory, id)).join(', ')} back from your backup. Without it these credentials cannot be opened: delete them from the table sallyport.provider_credentials, and their users log in again.`,
      details: { missing },
    },
  );
}

/** Throws `CONFIG_INVALID` if the file is not a key that only we may read. */
export async function readMasterKey({ directory, ids }: MasterKeyFiles, id: string): Promise<Secret<Uint8Array>> {
  const path = join(directory, ids.includes(id) ? id : `${id}${NEXT_SUFFIX}`);
  const { mode, uid, size } = await lstat(path);
  const refuse = (problem: string, fix: string): SallyportError =>
    new SallyportError('CONFIG_INVALID', `The master key ${path} ${problem}.`, { hint: fix });
  if ((mode & 0o170000) !== 0o100000)
    throw refuse('is not a plain file', 'Put the file itself there, not a link to it.');
  if (uid !== process.getuid?.())
    throw refuse('belongs to another user', `Run \`chown ${process.getuid?.()} ${path}\`.`);
  if ((mode & 0o077) !== 0)
    throw refuse('can be read by other users', `Run \`chmod 400 ${path}\`, and consider it known.`);
  if (size !== KEY_BYTES) throw refuse(`has ${size} bytes, not ${KEY_BYTES}`, 'Put it back from your backup.');
  return new Secret<Uint8Array>(await readFile(path));
}

/**
 * Makes a key whose id sorts after all others, and returns the id. With `isNext`, no server seals under it yet. The file is
 * complete or not there at all, also after a loss of power: credentials will depend on it.
 */
export async function createMasterKey(
  { directory, ids }: MasterKeyFiles,
  options: { readonly now: number; readonly isNext?: boolean },
): Promise<string> {
  const random = randomBytes(4).toString('hex');
  const dated = `${new Date(options.now).toISOString().slice(0, 10)}-${random}`;
  const last = ids.at(-1);
  // Two keys of one day, or a clock that was set back: a longer name sorts behind its beginning.
  const id = last === undefined || dated > last ? dated : `${last}-${random}`;
  const unfinished = join(directory, `.${id}.new`);
  const file = await open(unfinished, 'wx', 0o400);
  try {
    await file.writeFile(randomBytes(KEY_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, join(directory, options.isNext === true ? `${id}${NEXT_SUFFIX}` : id));
  await syncDirectory(directory);
  return id;
}

/** From now on the server of this data directory seals under this key, if it is the last one. */
export async function activateMasterKey({ directory }: MasterKeyFiles, id: string): Promise<void> {
  await rename(join(directory, `${id}${NEXT_SUFFIX}`), join(directory, id));
  await syncDirectory(directory);
}
