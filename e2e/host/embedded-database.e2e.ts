import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, realpathSync } from 'node:fs';
import { chown, mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, type ClientConfig } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';

import { canOthersReach } from '../../test/setup/reachable.ts';
import {
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '../../packages/server/src/postgres/embedded.ts';
import { direct, dropped, renamed, staged, type Launcher } from '../../packages/server/src/postgres/launcher.ts';

const isRoot = process.getuid?.() === 0;
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

describe('the embedded database', () => {
  it('keeps what is stored over a stop and a start, in a directory that only we may enter', async () => {
    const directory = await makeDirectory(homedir());
    const first = await start({ directory });
    await query(first.connection, 'create table notes as select 1 as note');
    await first.stop();
    await first.stop();
    await expect(query(first.connection, 'select 1')).rejects.toThrow();
    const second = await start({ directory });
    expect(await query(second.connection, 'select note from notes')).toEqual([{ note: 1 }]);
  });

  it('listens on a unix socket alone, which is closed to other users', async () => {
    const { connection } = await start();
    const [row] = await query(connection, `select current_setting('listen_addresses') as addresses`);
    expect(row).toEqual({ addresses: '' });
    expect((await stat(connection.host)).mode & 0o077).toBe(0);
  });

  it('puts its socket elsewhere when the path is too long for one', async () => {
    const directory = join(await makeDirectory(), 'long-'.repeat(20));
    const { connection, stop } = await start({ directory });
    expect(await query(connection, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(connection.host.startsWith(directory)).toBe(false);
    await stop();
    await expect(stat(connection.host)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused to a second server, which is told who has it', async () => {
    const directory = await makeDirectory();
    await start({ directory });
    await expect(startEmbeddedPostgres({ directory })).rejects.toMatchObject({
      code: 'CONFIG_DATA_DIR_BUSY',
      details: { pid: process.pid },
    });
  });

  it('ends with a server that was killed, and recovers what was committed', async () => {
    const directory = await makeDirectory();
    const parent = await startInAnotherProcess(directory);
    await query(parent.connection, 'create table notes as select 1 as note');
    const gone = once(parent.process, 'exit');
    process.kill(parent.process.pid ?? 0, 'SIGKILL');
    await gone;
    const again = await start({ directory, durable: true });
    expect(again.pid).not.toBe(parent.postmaster);
    expect(await query(again.connection, 'select note from notes')).toEqual([{ note: 1 }]);
    await expect.poll(() => isRunning(parent.postmaster)).toBe(false);
  });

  it('starts although a killed server left the pid of what is a stranger by now', async () => {
    const directory = await makeDirectory();
    const { stop } = await start({ directory });
    await stop();
    await writeFile(join(directory, 'data', 'postmaster.pid'), `${process.pid}\n${directory}/data\n1\n5432\n`);
    expect(await query((await start({ directory })).connection, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('starts although an earlier start was cut off while it made the cluster', async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, 'data.new', 'base'), { recursive: true });
    expect(await query((await start({ directory })).connection, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('says so when its data are of another version of PostgreSQL', async () => {
    const directory = await makeDirectory();
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data', 'PG_VERSION'), '12\n');
    await expect(start({ directory })).rejects.toThrow(/made by PostgreSQL 12; this one is 18/);
  });

  it('shows its last words when it does not start, and can be started again', async () => {
    const directory = await makeDirectory();
    const { stop } = await start({ directory });
    await stop();
    const settings = join(directory, 'data', 'postgresql.auto.conf');
    await writeFile(settings, 'no_such_setting = 1\n');
    await expect(start({ directory })).rejects.toThrow(/no_such_setting/);
    await writeFile(settings, '');
    await start({ directory });
  });

  it('gives up when it is told to', async () => {
    const directory = await makeDirectory();
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(startEmbeddedPostgres({ directory, signal })).rejects.toBe(reason);
    await start({ directory });
  });
});

/** Below a directory that only root may enter, such as `/root`, some ways to run it do not work. The server has others there. */
const isRepositoryReachable = [import.meta.filename, realpathSync(process.execPath)].every(canOthersReach);
const notReachable = ' (not run: others may not enter the repository)';

const nameless = !/^\S/.test(spawnSync('id', ['-un'], { encoding: 'utf8' }).stdout);

/** Root cannot run PostgreSQL itself; an ordinary user has one way, which depends on whether he has a name. */
const nobody = 65_534;
const waysOfRoot: readonly Launcher[] = [staged(199_998), renamed(nobody), dropped(nobody)];

describe.each(isRoot ? waysOfRoot : [nameless ? renamed(nobody) : direct])(
  'the embedded database, run $name',
  (launcher) => {
    const works = launcher.opensDirectory !== true || isRepositoryReachable;
    it.runIf(works)(`is made, ends, and starts again${works ? '' : notReachable}`, async () => {
      // The last way needs a directory that everybody may enter.
      const directory = await makeDirectory(launcher.opensDirectory ? tmpdir() : homedir());
      const made = await start({ directory, launchers: [launcher] });
      expect(await query(made.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
      process.kill(made.pid ?? 0, 'SIGKILL');
      await made.ended;
      await made.stop();
      const again = await start({ directory, launchers: [launcher] });
      expect(await query(again.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
    });
  },
);

describe.runIf(isRoot)('the embedded database of root', () => {
  it('can be taken over by another way to run it', async () => {
    const directory = await makeDirectory();
    const last = isRepositoryReachable ? [dropped(nobody)] : [];
    for (const launcher of [staged(199_998), renamed(nobody), ...last, staged(199_998)]) {
      const { connection, stop } = await start({ directory, launchers: [launcher] });
      await query(connection, 'create table if not exists notes (note int)');
      await stop();
    }
  });

  it('says what to do when no way is left', async () => {
    const directory = await makeDirectory(await makeDirectory(homedir()));
    await expect(start({ directory, launchers: [dropped(nobody)] })).rejects.toMatchObject({
      code: 'CONFIG_HOST_UNSUITABLE',
      hint: expect.stringContaining('DATABASE_URL'),
    });
  });

  it.runIf(isRepositoryReachable)(
    `also runs for an ordinary user${isRepositoryReachable ? '' : notReachable}`,
    async () => {
      const directory = await makeDirectory();
      await chown(directory, 1234, 1234);
      const parent = await startInAnotherProcess(directory, 1234);
      expect((await stat(join(directory, 'data'))).uid).toBe(1234);
      expect(await query(parent.connection, 'select 1 as one')).toEqual([{ one: 1 }]);
      process.kill(parent.process.pid ?? 0, 'SIGKILL');
      await expect.poll(() => isRunning(parent.postmaster)).toBe(false);
    },
  );
});

async function makeDirectory(parent: string = tmpdir()): Promise<string> {
  const folder = await realpath(await mkdtemp(join(parent, 'sallyport-pg-')));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  const started = await startEmbeddedPostgres({
    directory: options.directory ?? (await makeDirectory()),
    durable: false,
    ...options,
  });
  cleanups.push(() => started.stop());
  return started;
}

async function query(connection: ClientConfig, sql: string): Promise<unknown[]> {
  const client = new Client(connection);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

interface OtherProcess {
  readonly process: ChildProcess;
  readonly postmaster: number;
  readonly connection: ClientConfig;
}

async function startInAnotherProcess(directory: string, uid?: number): Promise<OtherProcess> {
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(new URL('../../packages/server/src/postgres/embedded.ts', import.meta.url).href)};
    const { pid, connection } = await startEmbeddedPostgres({ directory: ${JSON.stringify(directory)} });
    console.log(JSON.stringify({ postmaster: pid, connection }));
    process.stdin.resume();`;
  const child = spawn(process.execPath, ['--conditions=@sallyport/source', '--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin:/bin' },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  cleanups.push(async () => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
  const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => undefined);
  return { process: child, ...JSON.parse(String(line)) };
}

function isRunning(pid: number): boolean {
  try {
    accessSync(`/proc/${pid}/exe`, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}

/** Every directory on the way may be entered by everybody. */
