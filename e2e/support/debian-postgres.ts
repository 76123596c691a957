import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { Client } from 'pg';

import type { PostgresAddress } from './postgrest.ts';

export interface DebianPostgres {
  readonly connection: PostgresAddress;
  readonly version: string;
  stop(): Promise<void>;
}

/** A new cluster of Debian's PostgreSQL, on a unix socket alone, as the user that the package made if we are root. */
export async function startDebianPostgres(): Promise<DebianPostgres> {
  const [version] = (await readdir(packages)).toSorted((a, b) => Number(b) - Number(a));
  const programs = join(packages, version ?? '', 'bin');
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-debian-pg-'));
  await chmod(directory, 0o700);
  const { uid, gid } = userInfo().uid === 0 ? await ownerOf('/var/lib/postgresql') : userInfo();
  await chown(directory, uid, gid);
  const data = join(directory, 'data');
  const start = (program: string, args: readonly string[]) =>
    spawn(join(programs, program), args, { uid, gid, cwd: directory, stdio: 'ignore', env: { LC_ALL: 'C.UTF-8' } });

  const [code] = await once(start('initdb', ['-D', data, '--auth=trust', '-U', 'postgres', '--no-sync']), 'exit');
  if (code !== 0) throw new Error(`initdb of PostgreSQL ${version} ended with code ${code}.`);
  const settings = ['listen_addresses=', `unix_socket_directories=${directory}`, 'fsync=off'];
  const server = start('postgres', ['-D', data, ...settings.flatMap((setting) => ['-c', setting])]);
  const ended = once(server, 'exit');
  const connection = { host: directory, port: 5432, user: 'postgres', database: 'postgres' };
  await untilAnswers(connection, server);
  return {
    connection,
    version: version ?? '',
    stop: async () => {
      // Ends connections, too.
      server.kill('SIGINT');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const packages = '/usr/lib/postgresql';

async function ownerOf(path: string): Promise<{ readonly uid: number; readonly gid: number }> {
  const { uid, gid } = await stat(path);
  return { uid, gid };
}

/** Waits until a program that was just started takes connections. Throws if it ends before. */
export async function untilAnswers(connection: PostgresAddress, program: ChildProcess): Promise<void> {
  while (!(await answers(connection))) {
    if (program.exitCode !== null || program.signalCode !== null)
      throw new Error(`${program.spawnfile} ended with ${program.exitCode ?? program.signalCode}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function answers(connection: PostgresAddress): Promise<boolean> {
  const client = new Client({ ...connection, connectionTimeoutMillis: 1000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
