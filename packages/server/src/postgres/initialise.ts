import { lchown, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';

import type { PostgresBinaries } from './binaries.ts';
import type { ClusterDirectories, Launcher } from './launcher.ts';
import { runProcess } from './process.ts';

export interface InitialiseOptions {
  readonly launcher: Launcher;
  readonly folders: ClusterDirectories;
  readonly binaries: PostgresBinaries;
  readonly durable: boolean;
  readonly signal: AbortSignal | undefined;
  readonly log: ((message: string) => void) | undefined;
}

/** Makes the cluster at first start; later checks that this PostgreSQL and this user can use it. */
export async function initialise(options: InitialiseOptions): Promise<'made' | 'found'> {
  const { data } = options.folders;
  const version = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => undefined);
  if (version === undefined) {
    options.log?.(`Making a database in ${data}, which takes a few seconds.`);
    await make(options);
    return 'made';
  }
  if (version.trim() !== options.binaries.majorVersion) {
    throw new SallyportError(
      'CONFIG_HOST_UNSUITABLE',
      `${data} was made by PostgreSQL ${version.trim()}; this one is ${options.binaries.majorVersion}.`,
      { hint: 'Start the version of Sallyport that made it, dump the database, and load the dump into the new one.' },
    );
  }
  await giveTo(options.launcher.owner ?? process.getuid?.(), data);
  return 'found';
}

/** Under another name until it is complete: a start that is killed half-way leaves nothing that looks like a cluster. */
async function make({ launcher, folders, durable, signal }: InitialiseOptions): Promise<void> {
  const unfinished = `${folders.data}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await giveTo(launcher.owner ?? process.getuid?.(), unfinished);
  const command = launcher.command({ ...folders, data: unfinished }, (seen) => [
    `${seen.native}/bin/initdb`,
    `--pgdata=${seen.data}`,
    '--username=postgres',
    '--auth=trust',
    '--encoding=UTF8',
    '--locale=C',
    ...(durable ? [] : ['--no-sync']),
  ]);
  const { code, output } = await runProcess(command, signal);
  if (code !== 0) {
    throw new SallyportError('CONFIG_HOST_UNSUITABLE', `The embedded database could not be made. It said: ${output}`, {
      hint: 'See its last lines above, or set DATABASE_URL to your own PostgreSQL (15 or newer).',
    });
  }
  await rename(unfinished, folders.data);
}

/** Another launcher than last time (another user, another kernel setting) means another owner. Only root can do it. */
async function giveTo(uid: number | undefined, path: string): Promise<void> {
  if (uid === undefined || process.getuid?.() !== 0 || (await stat(path)).uid === uid) return;
  for (const entry of await readdir(path, { recursive: true })) await lchown(join(path, entry), uid, uid);
  // Last, so that a change that was interrupted is taken up again.
  await lchown(path, uid, uid);
}
