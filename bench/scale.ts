import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import type { Client } from 'pg';

import { addManyUsers, manyMachineId } from '../e2e/support/many-users.ts';
import type { Bench, Finding } from './bench.ts';
import { median } from './statistics.ts';
import { startControlPlane } from './support/control-plane.ts';
import type { ControlPlane, ControlPlaneOptions } from './support/control-plane.ts';
import { openDatabase } from './support/database.ts';
import type { BenchDatabase } from './support/database.ts';
import { openReaders } from './support/readers.ts';

const USERS = [1, 1_000, 20_000] as const;
/** Texts of one prompt. */
const TEXTS = 20;
const READERS = 200;
const STREAMS = 2_000;
/** Streams that one user may have open. */
const STREAMS_PER_USER = 50;
const WATCHED_MS = 5_000;
/** Prompts before memory is looked at the first time, and the second. Until about 4,000, V8's heap grows to its size. */
const PROMPTS = [4_000, 12_000] as const;
/** The server's own name for its host. */
const HOST = 'local';

/**
 * How the server grows, with embedded PostgreSQL and machines in memory only. The clients run in the same process, so what
 * they take counts as the server's.
 */
export const scale: Bench = {
  name: 'scale',
  isLong: true,
  run: async (_world, count, leftovers) => {
    const findings: Finding[] = [];
    for (const users of USERS)
      findings.push(await withDatabase(leftovers, users, (database) => startTimes(database, users, count)));
    return [
      ...findings,
      ...(await withDatabase(leftovers, 0, async (database) => [
        await memoryOfPrompts(database),
        await lagOfReaders(database, count),
        await idleStreams(database, count),
      ])),
    ];
  },
};

/** A new one. It is ended when the next is begun: each keeps a hundred megabytes busy. */
async function withDatabase<Result>(
  leftovers: AsyncDisposableStack,
  users: number,
  work: (database: BenchDatabase) => Promise<Result>,
): Promise<Result> {
  const database = leftovers.use(await openDatabase());
  if (users > 0) await addManyUsers(database.client, 1, users, HOST);
  const result = await work(database);
  await database[Symbol.asyncDispose]();
  return result;
}

/** Runs the whole server on a database, and ends it. */
async function withServer<Result>(
  database: BenchDatabase,
  options: Pick<ControlPlaneOptions, 'stopped' | 'answer'>,
  work: (plane: ControlPlane) => Promise<Result>,
): Promise<Result> {
  await using own = new AsyncDisposableStack();
  const store = database.openStore();
  own.defer(() => store.close());
  const plane = await startControlPlane({ store, folder: join(database.folder, 'page'), startAtOnce: 64, ...options });
  own.defer(() => plane.close());
  return await work(plane);
}

async function startTimes(database: BenchDatabase, users: number, count: number): Promise<Finding> {
  const stopped = Array.from({ length: users }, (_, at) => manyMachineId(at + 1));
  const samples: number[] = [];
  // The first one compiles the code.
  for (let round = -1; round < count; round += 1) {
    const began = performance.now();
    await withServer(database, { stopped }, async () => {
      if (round >= 0) samples.push(performance.now() - began);
    });
  }
  const title = `start → listening, ${users.toLocaleString('en')} users on the host`;
  return { title, kind: 'value', unit: 'ms', samples, ...(users === USERS.at(-1) && { limit: 2_000 }) };
}

async function* texts(): AsyncIterable<string> {
  for (let at = 0; at < TEXTS; at += 1) yield `word ${at} `;
}

function memoryOfPrompts(database: BenchDatabase): Promise<Finding> {
  return withServer(database, { answer: texts }, async (plane) => {
    const names = Array.from({ length: 16 }, (_, at) => `sender-${at}`);
    for (const name of names) await plane.connect(name);
    const seen: number[] = [];
    let sent = 0;
    for (const total of PROMPTS) {
      for (; sent < total; sent += names.length) await Promise.all(names.map((name) => plane.prompt(name)));
      collectGarbage();
      seen.push(process.memoryUsage.rss());
    }
    const [first = Number.NaN, second = Number.NaN] = seen;
    const title = `memory after ${PROMPTS[1].toLocaleString('en')} prompts, against ${PROMPTS[0].toLocaleString('en')}`;
    return { title, kind: 'ratio', unit: 'MB', samples: [second / first] };
  });
}

/** V8 leaves garbage for a long time where there is much memory: what is kept is what counts here. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

/** From when the CLI has printed a text until a client has it, for the median reader of one prompt. */
function lagOfReaders(database: BenchDatabase, count: number): Promise<Finding> {
  const pace = async function* (): AsyncIterable<string> {
    // Until every reader is there.
    await readersReady.promise;
    for (let at = 0; at < 100; at += 1) {
      yield `at ${performance.now()} `;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  let readersReady = Promise.withResolvers<void>();
  return withServer(database, { answer: pace }, async (plane) => {
    const samples: number[] = [];
    await plane.connect('read');
    for (let round = 0; round < count; round += 1) {
      readersReady = Promise.withResolvers();
      const lags: number[] = [];
      const running = plane.begin('read');
      const readers = await openReaders(`${plane.url}${await running.address}/events`, READERS, (text) => {
        for (const [, printed] of text.matchAll(/at ([\d.]+)/g)) lags.push(performance.now() - Number(printed));
      }).finally(() => readersReady.resolve());
      await Promise.all([running.ended, readers.ended]);
      samples.push(median(lags));
    }
    return { title: `lag of ${READERS} readers, p50`, kind: 'value', unit: 'ms', samples, limit: 10 };
  });
}

/** What streams cost in which nothing happens. */
function idleStreams(database: BenchDatabase, count: number): Promise<Finding> {
  const released = Promise.withResolvers<void>();
  const silence = async function* (): AsyncIterable<string> {
    await released.promise;
    yield 'done';
  };
  return withServer(database, { answer: silence }, async (plane) => {
    // The server waits for its prompts when it is closed, also after an error.
    using own = new DisposableStack();
    own.defer(() => released.resolve());
    const running = [];
    const opened = [];
    for (let at = 0; at < STREAMS / STREAMS_PER_USER; at += 1) {
      const name = `silent-${at}`;
      await plane.connect(name);
      const prompt = plane.begin(name);
      running.push(prompt);
      opened.push(await openReaders(`${plane.url}${await prompt.address}/events`, STREAMS_PER_USER, () => undefined));
    }
    const samples: number[] = [];
    for (let round = 0; round < count; round += 1) {
      const began = await statements(database.client);
      await new Promise((resolve) => setTimeout(resolve, WATCHED_MS));
      samples.push(((await statements(database.client)) - began) / (WATCHED_MS / 1000));
    }
    released.resolve();
    await Promise.all([...running, ...opened].map(({ ended }) => ended));
    const title = `statements for ${STREAMS.toLocaleString('en')} idle streams`;
    return { title, kind: 'value', unit: 'a second', samples };
  });
}

/** Each statement of the store is a transaction. */
async function statements(client: Client): Promise<number> {
  await client.query('select pg_stat_clear_snapshot()');
  const { rows } = await client.query(
    'select xact_commit as count from pg_stat_database where datname = current_database()',
  );
  return Number(rows[0].count);
}
