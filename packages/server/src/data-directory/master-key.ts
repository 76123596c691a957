import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { createLocalKeyRing, SallyportError, Secret, type KeyRing } from '@sallyport/core';

export interface OpenMasterKeysOptions {
  /** The keys lie in `master-keys/` below it. */
  readonly dataDirectory: string;
  /** Ids of the keys that stored credentials are sealed under; see `CredentialStore.keysInUse`. */
  readonly inUse: readonly string[];
  /** Milliseconds since the epoch: the date becomes part of a new key's id. */
  readonly now: number;
}

export interface OpenedMasterKeys {
  readonly keyRing: KeyRing;
  /** Id of the key that new credentials are sealed under. */
  readonly current: string;
  /** To be shown once: a key was made and has to be backed up. */
  readonly notice?: string;
}

/**
 * Opens the key ring of this host: one file for each key, named by its id. The last id in order of the alphabet is
 * the current one, so putting a file with a later name there begins a rotation. Makes the first key at first start,
 * and never one in place of a key that is missing.
 */
export async function openMasterKeys({ dataDirectory, inUse, now }: OpenMasterKeysOptions): Promise<OpenedMasterKeys> {
  const folder = join(dataDirectory, 'master-keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await chmod(folder, 0o700);
  const found = (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  const missing = inUse.filter((id) => !found.includes(id));
  if (missing.length > 0) {
    throw new SallyportError(
      'CONFIG_INVALID',
      `Stored credentials are sealed under the master key ${missing.join(', ')}, which is not in ${folder}.`,
      {
        hint: `Put ${missing.map((id) => join(folder, id)).join(', ')} back from your backup. Without it these credentials cannot be opened: delete them from the table sallyport.provider_credentials, and their users log in again.`,
        details: { missing },
      },
    );
  }
  const made = found.length === 0 ? await makeKey(folder, now) : undefined;
  const keys = new Map<string, Secret<Uint8Array>>();
  for (const id of made === undefined ? found : [made]) keys.set(id, await readKey(join(folder, id)));
  const current = made ?? found.at(-1) ?? '';
  const keyRing = createLocalKeyRing({ keys, current });
  if (made === undefined) return { keyRing, current };
  return {
    keyRing,
    current,
    notice: `Made the master key ${join(folder, made)}. Back it up now, apart from the database: without it no stored credential can be opened.`,
  };
}

const KEY_BYTES = 32;

/** Complete or not there at all, also after a loss of power: credentials will depend on it. */
async function makeKey(folder: string, now: number): Promise<string> {
  const id = `${new Date(now).toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`;
  const unfinished = join(folder, `.${id}.new`);
  const file = await open(unfinished, 'wx', 0o400);
  try {
    await file.writeFile(randomBytes(KEY_BYTES));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(unfinished, join(folder, id));
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  return id;
}

async function readKey(path: string): Promise<Secret<Uint8Array>> {
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
