import { mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { PoolConfig } from 'pg';

import { SallyportError } from '@sallyport/core';

import { claimDirectory } from '../data-directory/directory-claim.ts';
import { makePrivateDirectory, socketDirectoryFor } from '../host/socket-path.ts';
import { findPostgresBinaries } from './binaries.ts';
import { chooseLauncher, usualLaunchers } from './choose-launcher.ts';
import { initialise } from './initialise.ts';
import { endLeftover } from './leftover.ts';
import type { ClusterDirectories, Launcher } from './launcher.ts';
import { startPostmaster } from './postmaster.ts';
import type { ProcessEnd } from './process.ts';

export interface EmbeddedPostgresOptions {
  /** Holds the cluster. Made at first start, for us alone. */
  readonly directory: string;
  readonly signal?: AbortSignal;
  readonly log?: (message: string) => void;
  /** False trades safety against loss of power for speed. Default true; tests set it. */
  readonly durable?: boolean;
  /** Ways to run it, the first that works here is taken. Default: what suits our user. Set by tests only. */
  readonly launchers?: readonly Launcher[];
}

export interface EmbeddedPostgres {
  readonly connection: ReturnType<typeof connectionTo>;
  /** Of the postmaster. */
  readonly pid: number | undefined;
  /** Resolves when the database has ended, asked or not. */
  readonly ended: Promise<ProcessEnd>;
  /** Safe to repeat. */
  readonly stop: () => Promise<void>;
}

/**
 * A real PostgreSQL from npm, reachable only through a unix socket of this host. It ends with us, however we end,
 * and recovers at the next start. Works for root, too.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const root = await realpath(options.directory);
  const claim = await claimDirectory(root);
  if (!('release' in claim)) {
    throw new SallyportError(
      'CONFIG_DATA_DIR_BUSY',
      `Another process (pid ${claim.holder}) runs the database in ${root}.`,
      {
        details: { pid: claim.holder, directory: root },
      },
    );
  }
  try {
    const started = await startCluster(root, options);
    const stop = async (): Promise<void> => {
      await started.stop();
      await rm(started.connection.host, { recursive: true, force: true });
      await claim.release();
    };
    let stopping: Promise<void> | undefined;
    return { ...started, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** How another process of ours reaches the database that a running server has started in this directory. */
export async function runningPostgres(directory: string): Promise<PoolConfig> {
  return connectionTo(socketDirectory(await realpath(directory)));
}

async function startCluster(root: string, { signal, log, durable = true, launchers }: EmbeddedPostgresOptions) {
  const binaries = await findPostgresBinaries();
  const folders: ClusterDirectories = {
    native: binaries.directory,
    data: join(root, 'data'),
    socket: socketDirectory(root),
    passwd: join(root, 'passwd'),
  };
  await endLeftover(folders.data, signal);
  await rm(folders.socket, { recursive: true, force: true });
  await makePrivateDirectory(folders.socket);
  const launcher = await chooseLauncher(launchers ?? (await usualLaunchers()), folders, signal);
  const outcome = await initialise({ launcher, folders, binaries, durable, signal, log });
  if (outcome === 'made') log?.(`Made a database in ${folders.data}`);

  const connection = connectionTo(folders.socket);
  const command = launcher.command(folders, (seen) => [
    `${seen.native}/bin/postgres`,
    '-D',
    seen.data,
    ...settings({ ...always, ...(durable ? {} : notDurable), unix_socket_directories: seen.socket }),
  ]);
  const postmaster = await startPostmaster(command, connection, signal);
  log?.(`The embedded PostgreSQL ${binaries.majorVersion} runs ${launcher.name}`);
  return { ...postmaster, connection };
}

function socketDirectory(root: string): string {
  return socketDirectoryFor(join(root, 'socket'), '.s.PGSQL.5432.lock'.length);
}

function connectionTo(socket: string) {
  return { host: socket, port: 5432, user: 'postgres', database: 'postgres', ssl: false } as const;
}

const always = {
  port: '5432',
  // Nothing but the socket.
  listen_addresses: '',
  unix_socket_permissions: '0700',
  // Without details, which quote rows.
  log_error_verbosity: 'terse',
  log_min_messages: 'warning',
};

const notDurable = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

function settings(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
