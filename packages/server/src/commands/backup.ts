import { join, resolve } from 'node:path';

import type { Command } from 'commander';
import type { ClientConfig } from 'pg';

import { writeBackup } from '../backup/write-backup.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { openDataDirectory } from '../data-directory/data-directory.ts';
import { openFileRollbackGuard } from '../data-directory/file-rollback-guard.ts';
import { assertKeysPresent, listMasterKeys, masterKeyDirectory } from '../data-directory/master-key-files.ts';
import { openServerIdentity } from '../data-directory/server-identity.ts';
import { hasCode } from '../host/node-error.ts';
import type { CommandContext } from './context.ts';
import { connectionOf, withConnection, withEmbedded } from './with-connection.ts';

/** `sallyport backup` and `sallyport restore`: all that is stored, in one file. */
export function registerBackup(program: Command, context: CommandContext): void {
  program
    .command('backup')
    .description(
      'write all that is stored into a file, while the server runs or not; the master keys are not in it: back them up apart',
    )
    .argument('<file>', 'a file that does not exist yet, such as sallyport-backup.gz')
    .action((file: string) => backup(context, resolve(file)));
  program
    .command('restore')
    .description('fill an empty database from a backup; the server must not run, and the master keys must be there')
    .argument('<file>', 'written by `sallyport backup`')
    .action((file: string) => restore(context, resolve(file)));
}

async function backup({ environment, clock, print }: CommandContext, path: string): Promise<void> {
  const where = environment();
  await withConnection(where, 'A backup', async (connection) => {
    const { header, rows } = await writeBackup({ connection, path, now: clock.now() });
    print(`Wrote ${path}: ${rows} rows, as of ${header.takenAt}.`);
    const keys = header.masterKeys.map((id) => join(masterKeyDirectory(where.dataDirectory), id));
    if (keys.length > 0) print(`Its credentials need ${keys.join(', ')}. Keep that apart from the backup.`);
  });
}

async function restore({ environment, print }: CommandContext, path: string): Promise<void> {
  const { dataDirectory, database } = environment();
  const data = await openDataDirectory(dataDirectory);
  const fill = async (connection: ClientConfig): Promise<void> => {
    const { host } = await openServerIdentity(data.path);
    const { header, ended } = await restoreBackup({
      connection,
      path,
      host,
      assertKeysPresent: (masterKeys) => assertPresent(data.path, masterKeys),
      rollbackGuard: await openFileRollbackGuard(join(data.path, 'witness')),
      log: print,
    });
    print(`Restored what was stored at ${header.takenAt}.`);
    if (ended > 0) {
      print(
        `${ended} logins may have been refreshed since, so they are not used: their users have to log in again. API keys and long-lived tokens go on.`,
      );
    }
  };
  try {
    await (database.kind === 'embedded' ? withEmbedded(data, fill) : fill(connectionOf(database, 'A backup')));
  } finally {
    await data.release();
  }
}

async function assertPresent(dataDirectory: string, masterKeys: readonly string[]): Promise<void> {
  const directory = masterKeyDirectory(dataDirectory);
  const none = { directory, ids: [], next: [] };
  const found = await listMasterKeys(directory).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return none;
    throw error;
  });
  assertKeysPresent(found, masterKeys);
}
