import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { untilAnswers } from './debian-postgres.ts';
import type { PostgresAddress } from './postgrest.ts';

export interface Pooler {
  readonly connection: PostgresAddress;
  stop(): Promise<void>;
}

/** Debian's PgBouncer before Debian's PostgreSQL, as the same user, on a unix socket. `mode` is its `pool_mode`. */
export async function startPgbouncer(database: PostgresAddress, mode: 'session' | 'transaction'): Promise<Pooler> {
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-pgbouncer-'));
  // It refuses to run as root.
  const { uid, gid } = userInfo().uid === 0 ? await stat('/var/lib/postgresql') : userInfo();
  await chown(directory, uid, gid);
  const settings = {
    listen_addr: '',
    unix_socket_dir: directory,
    listen_port: '6432',
    auth_type: 'any',
    pool_mode: mode,
    // In session mode a client keeps its connection: fewer than a store opens (10) would make its calls wait for good.
    default_pool_size: '20',
    max_client_conn: '200',
  };
  const ini = join(directory, 'pgbouncer.ini');
  const target = `host=${database.host} port=${database.port} dbname=${database.database} user=${database.user}`;
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  await writeFile(ini, ['[databases]', `${database.database} = ${target}`, '[pgbouncer]', ...lines, ''].join('\n'));
  const program = spawn('/usr/sbin/pgbouncer', ['-q', ini], { uid, gid, cwd: directory, stdio: 'ignore' });
  const ended = once(program, 'exit');
  const connection = { ...database, host: directory, port: 6432 };
  await untilAnswers(connection, program);
  return {
    connection,
    stop: async () => {
      program.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}
