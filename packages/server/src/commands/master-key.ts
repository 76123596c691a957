import { lstat } from 'node:fs/promises';

import { SallyportError } from '@sallyport/core';
import { rewrapCredentials } from '@sallyport/core/key-ring';
import type { Clock } from '@sallyport/core';
import type { RewrapResult } from '@sallyport/core/key-ring';
import type { AuditEntry, Store } from '@sallyport/core/store';

import type { Command } from 'commander';

import { openDirectoryKeyRing } from '../data-directory/directory-key-ring.ts';
import {
  activateMasterKey,
  assertKeysPresent,
  createMasterKey,
  listMasterKeys,
  masterKeyDirectory,
} from '../data-directory/master-key-files.ts';
import type { MasterKeyFiles } from '../data-directory/master-key-files.ts';
import { defaultUnlessNamed } from './context.ts';
import type { CommandContext } from './context.ts';

/** What `sallyport master-key` works with. */
interface MasterKeyCommand {
  readonly dataDirectory: string;
  readonly store: Pick<Store, 'audit' | 'credentials'>;
  /** Other servers may use this database, each with its own data directory. */
  readonly isShared: boolean;
  /** `--copied`: the new key is in the data directory of every server on this database. */
  readonly isCopied: boolean;
  readonly clock: Pick<Clock, 'now'>;
  readonly print: (line: string) => void;
}

/** `sallyport master-key`: lists the master keys, or replaces the current one while servers run. Never deletes a key. */
export function registerMasterKey(
  program: Command,
  context: Pick<CommandContext, 'words' | 'clock' | 'print' | 'environment' | 'withStore' | 'exitWith'>,
): void {
  const withKeys = (isCopied: boolean, work: (command: MasterKeyCommand) => Promise<void>): Promise<void> => {
    const { dataDirectory, database } = context.environment();
    const isShared = database.kind !== 'embedded';
    return context.withStore((store) => work({ ...context, dataDirectory, store, isShared, isCopied }));
  };
  const group = program
    .command('master-key')
    .description('list the master keys, or replace the current one while servers run');
  group
    .command('list', defaultUnlessNamed(context))
    .description('list the keys and say which are in use (default)')
    .action(() => withKeys(false, async (command) => list(await findKeys(command), command)));
  group
    .command('rotate')
    .description(
      'make a key and rewrap every stored credential under it. Run it again if it was interrupted. On a database that ' +
        'other servers may use (DATABASE_URL, SUPABASE_URL), the first run makes the key',
    )
    .optionsGroup('Options of rotate:')
    .option('--copied', 'the new key is now on all servers that use this database')
    .action(({ copied = false }: { readonly copied?: boolean }) =>
      withKeys(copied, async (command) => {
        // A credential that cannot be opened stays under its old key.
        if (!(await rotate(await findKeys(command), command))) context.exitWith(1);
      }),
    );
}

/** Throws `CONFIG_INVALID` if there are no keys, if one in use is missing, or if they belong to another user. */
async function findKeys({ dataDirectory, store }: MasterKeyCommand): Promise<MasterKeyFiles> {
  const directory = masterKeyDirectory(dataDirectory);
  const status = await lstat(directory).catch(() => undefined);
  const keys = status && (await listMasterKeys(directory));
  if (keys === undefined || keys.ids.length + keys.next.length === 0) {
    throw new SallyportError('CONFIG_INVALID', `There is no master key in ${directory}.`, {
      hint: 'Set SALLYPORT_DATA_DIR to the data directory of the server. The first key is made when the server starts.',
    });
  }
  // The server could not read a key made by another user.
  if (status?.uid !== process.getuid?.()) {
    throw new SallyportError('CONFIG_INVALID', `${directory} belongs to another user.`, {
      hint: `Run this command as the user that the server runs as (uid ${status?.uid}).`,
    });
  }
  assertKeysPresent(keys, await store.credentials.keysInUse());
  return keys;
}

async function list({ ids, next }: MasterKeyFiles, { store, print }: MasterKeyCommand): Promise<void> {
  const inUse = await store.credentials.keysInUse();
  const show = (id: string, role: string): void =>
    print(`${id.padEnd(24)}${role.padEnd(10)}${inUse.includes(id) ? 'in use' : 'no credential uses it'}`);
  for (const id of ids) show(id, id === ids.at(-1) ? 'current' : 'old');
  for (const id of next) show(id, 'next');
}

async function rotate(keys: MasterKeyFiles, command: MasterKeyCommand): Promise<boolean> {
  const { isShared, isCopied, print } = command;
  if (isShared && !isCopied) {
    await prepare(keys, command);
    return true;
  }
  const { keyId, rewrapped, unreadable } = await withAudit(keys, command, () => replaceKey(keys, command));
  print(`Done: ${rewrapped} rewrapped.`);
  for (const { userId, provider } of unreadable) {
    print(
      `Cannot be opened, left as it was: the ${provider} credential of the user ${userId}. The user has to log in again.`,
    );
  }
  await reportOldKeys(keyId, command);
  return unreadable.length === 0;
}

async function replaceKey(keys: MasterKeyFiles, command: MasterKeyCommand): Promise<Rotation> {
  const { store, print } = command;
  const keyId = await chooseKey(keys, command);
  print(`Rewrapping credentials under the master key ${keyId}. Servers may run meanwhile.`);
  const { keyRing } = await openDirectoryKeyRing(keys.directory, () => undefined);
  const onProgress = (count: number): void => print(`${count} rewrapped`);
  return { keyId, ...(await rewrapCredentials({ store, keyRing, keyId, onProgress })) };
}

interface Rotation extends RewrapResult {
  readonly keyId: string;
}

/** Writes to the audit log that a rotation starts, and how it ended. If the log cannot be written, it does not start. */
async function withAudit(
  keys: MasterKeyFiles,
  { store, clock }: MasterKeyCommand,
  work: () => Promise<Rotation>,
): Promise<Rotation> {
  const note = (step: 'started' | 'completed' | 'failed', data: AuditEntry['data']): Promise<void> =>
    store.audit.append({ at: new Date(clock.now()), type: `master-key.rotation-${step}`, userId: null, data });
  await note('started', { from: keys.ids.at(-1) });
  try {
    const rotation = await work();
    const { keyId, rewrapped, unreadable } = rotation;
    await note('completed', { keyId, rewrapped, unreadable: unreadable.length });
    return rotation;
  } catch (error) {
    // The log is in the database that may just have failed: the first error is the one to report.
    await note('failed', {}).catch(() => undefined);
    throw error;
  }
}

/** The key that waits to be used, else the current one if it has not replaced all others, else a new one. */
async function chooseKey(keys: MasterKeyFiles, { store, isShared, clock, print }: MasterKeyCommand): Promise<string> {
  const waiting = waitingKey(keys);
  if (waiting !== undefined) {
    await activateMasterKey(keys, waiting);
    return waiting;
  }
  const current = keys.ids.at(-1);
  const inUse = await store.credentials.keysInUse();
  const isUnfinished = current !== undefined && inUse.some((id) => id < current);
  // On a shared database, a key that was made just now is on no other server.
  if (current !== undefined && (isUnfinished || isShared)) return current;
  const made = await createMasterKey(keys, { now: clock.now() });
  print(`Made the master key ${made} in ${keys.directory}. Back it up now, apart from the database.`);
  return made;
}

/** First step where other servers have to get the key before a credential is sealed under it. */
async function prepare(keys: MasterKeyFiles, { store, clock, print }: MasterKeyCommand): Promise<void> {
  const current = keys.ids.at(-1) ?? '';
  const inUse = await store.credentials.keysInUse();
  const waiting = waitingKey(keys);
  if (waiting === undefined && inUse.some((id) => id < current)) {
    print(`Credentials are still under older keys than ${current}, the current one on this server.`);
    print('If every server on this database has it, go on with: sallyport master-key rotate --copied');
    return;
  }
  const id = waiting ?? (await createMasterKey(keys, { now: clock.now(), isNext: true }));
  const name = `${id}.next`;
  print(`${waiting === undefined ? 'Made the' : 'The'} new master key: ${keys.directory}/${name}`);
  print('No server seals under it yet.');
  print('1. Back it up, apart from the database.');
  print(
    `2. Copy it as master-keys/${name} to the data directory of every other server on this database, with mode 400`,
  );
  print('   and owned by the user that the server runs as.');
  print('3. Then run on each server: sallyport master-key rotate --copied');
}

function waitingKey({ ids, next }: MasterKeyFiles): string | undefined {
  return next.findLast((id) => id > (ids.at(-1) ?? ''));
}

async function reportOldKeys(keyId: string, { dataDirectory, store, print }: MasterKeyCommand): Promise<void> {
  const { ids } = await listMasterKeys(masterKeyDirectory(dataDirectory));
  const inUse = await store.credentials.keysInUse();
  const old = ids.filter((id) => id < keyId);
  const used = old.filter((id) => inUse.includes(id));
  const unused = old.filter((id) => !inUse.includes(id));
  if (used.length > 0) print(`Still in use: ${used.join(', ')}.`);
  if (unused.length > 0) {
    print(
      `No credential uses: ${unused.join(', ')}. Keep them as long as you keep database backups from before today.`,
    );
  }
}
