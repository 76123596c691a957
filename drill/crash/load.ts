import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createSallyport } from '@sallyport/client';
import type { Sallyport } from '@sallyport/client';
import { Pool } from 'pg';

import { forEachAtOnce } from '../../packages/core/src/base/for-each-at-once.ts';
import { startEmbeddedPostgres } from '../../packages/server/src/postgres/embedded.ts';
import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { startLoadVendor } from './load-vendor.ts';

export interface LoadOptions {
  readonly users: number;
  readonly promptsEach: number;
  /** How many users do something at the same time. */
  readonly atOnce: number;
  /** After so many logins and prompts, in all, the server is killed. */
  readonly killsAt: readonly number[];
}

export interface LoadReport {
  readonly logins: number;
  readonly prompts: number;
  readonly kills: number;
  /** Prompts that ended because the server was killed. */
  readonly interrupted: number;
  /** Resident memory of the server, in MiB, at each thousandth prompt since the last kill. */
  readonly memoryMb: readonly number[];
  /** What was lost or doubled. Empty: nothing. */
  readonly problems: readonly string[];
}

/**
 * Users log in and send prompts while the server is killed again and again. Every user has to be connected in the end; the
 * events that a reader got have to be those that are stored, each once and in order; no prompt may run twice, and no token
 * may be presented twice.
 */
export async function runLoad({ users, promptsEach, atOnce, killsAt }: LoadOptions): Promise<LoadReport> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'sp-load-')));
  const postgres = await startEmbeddedPostgres({ directory: join(directory, 'database'), durable: false });
  const { host, user, database: name } = postgres.connection;
  await migrate({ connection: postgres.connection });
  const database = new Pool(postgres.connection);
  // Its idle connections end with the database.
  database.on('error', () => undefined);
  const vendor = await startLoadVendor();
  const databaseUrl = `postgres://${user}@/${name}?host=${encodeURIComponent(host)}`;
  let server = await startServer([directory, databaseUrl, vendor.url]);
  const { origin } = server;
  const port = new URL(origin).port;
  const problems: string[] = [];
  const completed: string[] = [];
  const memoryMb: number[] = [];
  let [done, prompts, logins, interrupted, kills] = [0, 0, 0, 0, 0];
  let restarting: Promise<void> | undefined;

  /** Called after each thing that is done. Kills the server where that is due, in the middle of everything else. */
  async function count(): Promise<void> {
    done += 1;
    if (!killsAt.includes(done)) return;
    kills += 1;
    restarting = (async () => {
      server.child.kill('SIGKILL');
      await once(server.child, 'exit');
      server = await startServer([directory, databaseUrl, vendor.url, port]);
    })();
    await restarting;
  }

  async function logIn(client: Sallyport): Promise<void> {
    for (;;) {
      const login = await client.connect({ provider: 'fake', method: 'browser' });
      let ends = 0;
      for await (const { type } of login) if (type === 'done') ends += 1;
      if (ends !== 1) problems.push(`login ${login.sessionId} had ${ends} ends`);
      const { status, errorCode } = await login.status();
      if (status === 'completed') break;
      if (errorCode !== 'LOGIN_INTERRUPTED') problems.push(`a login ended ${status}: ${errorCode}`);
      if (problems.length > 20) return;
    }
    logins += 1;
    await count();
  }

  async function send(client: Sallyport, prompt: string): Promise<void> {
    const run = client.prompt({ provider: 'fake', prompt });
    const ids: number[] = [];
    let outcome: string | undefined;
    let said = '';
    try {
      for await (const event of run) {
        ids.push(event.id);
        if (event.type === 'prompt-end') {
          ({ outcome } = event);
          said = event.message ?? '';
        }
      }
    } catch (error) {
      problems.push(`"${prompt}" failed: ${String(error)}`);
      await count();
      return;
    }
    if (outcome === 'completed') completed.push(prompt);
    else if (/server was (restarted|stopped)/.test(said)) interrupted += 1;
    else problems.push(`"${prompt}" ended ${outcome}: ${said}`);
    const stored = await database.query(
      'select event_id::integer as id from sallyport.prompt_events where prompt_id = $1 order by event_id',
      [run.promptId],
    );
    const expected = stored.rows.map(({ id }) => Number(id));
    if (JSON.stringify(ids) !== JSON.stringify(expected))
      problems.push(`"${prompt}" was read as ${ids.join(',')} and stored as ${expected.join(',')}`);
    prompts += 1;
    await count();
    if (kills === killsAt.length && prompts % 1000 === 0) memoryMb.push(await residentMb(server.child));
  }

  const clients = Array.from({ length: users }, (_, index) =>
    createSallyport({ baseUrl: origin, userId: `user-${index}`, retries: 100 }),
  );
  const print = (what: string): void => console.log(`${what}: ${kills} kills, ${problems.length} problems`);
  try {
    await forEachAtOnce(clients, atOnce, logIn);
    print(`${logins} logins`);
    for (let round = 0; round < promptsEach; round += 1) {
      // Every fifth prompt of a user refreshes the token.
      const suffix = round % 5 === 0 ? ' refresh' : '';
      await forEachAtOnce([...clients.entries()], atOnce, ([index, client]) =>
        send(client, `${index}/${round}${suffix}`),
      );
      print(`${prompts} prompts`);
    }
    await restarting;
    const { rows } = await database.query(`
      select
        (select count(*)::integer from sallyport.prompts where status = 'running') as "running",
        (select count(*)::integer from sallyport.prompts) as prompts,
        (select count(*)::integer from sallyport.provider_credentials where valid) as credentials,
        (select count(*)::integer from (
          select prompt_id from sallyport.prompt_events where event ->> 'type' = 'prompt-end'
          group by prompt_id having count(*) <> 1
        ) as doubled) as doubled`);
    const stored = rows[0];
    if (stored.running !== 0) problems.push(`${stored.running} prompts run for ever`);
    if (stored.prompts !== prompts) problems.push(`${prompts} prompts were sent, ${stored.prompts} are stored`);
    if (stored.credentials !== users) problems.push(`${users} users logged in, ${stored.credentials} are connected`);
    if (stored.doubled !== 0) problems.push(`${stored.doubled} prompts do not have one end`);
    const ran = new Map<string, number>();
    for (const prompt of vendor.ran) ran.set(prompt, (ran.get(prompt) ?? 0) + 1);
    for (const [prompt, times] of ran) if (times > 1) problems.push(`"${prompt}" ran ${times} times`);
    for (const prompt of completed) if (!ran.has(prompt)) problems.push(`"${prompt}" completed and never ran`);
    for (const token of vendor.replayed) problems.push(`${token} was presented after it was spent`);
    return { logins, prompts, kills, interrupted, memoryMb, problems };
  } finally {
    await restarting?.catch(() => undefined);
    server.child.kill('SIGKILL');
    await vendor.close();
    await database.end();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function startServer(
  args: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly origin: string }> {
  const program = join(import.meta.dirname, 'load-server.ts');
  const child = spawn(process.execPath, ['--conditions=@sallyport/source', program, ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += String(chunk);
    const origin = /listening on (http:\S+)\n/.exec(printed)?.[1];
    if (origin !== undefined) return { child, origin };
  }
  throw new Error(`The server ended:\n${printed}`);
}

async function residentMb({ pid }: ChildProcess): Promise<number> {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
}
