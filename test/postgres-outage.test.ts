import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { startEmbeddedPostgres, type EmbeddedPostgres } from '../packages/server/src/postgres/embedded.ts';
import { migrate } from '../packages/server/src/stores/migrations/migrate.ts';
import { createPostgresStore } from '../packages/server/src/stores/postgres-store.ts';

let directory: string;
let database: EmbeddedPostgres;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-outage-'));
  database = await startEmbeddedPostgres({ directory });
  await migrate({ connection: database.connection });
});
afterEach(async () => {
  await database.stop();
  await rm(directory, { recursive: true, force: true });
});

it('the store answers STORE_UNAVAILABLE while the database is stopped, and goes on when it is back', async () => {
  const store = createPostgresStore({ connection: database.connection });
  const user = await store.users.ensure(randomUUID(), 'before');
  // Some connections idle, some with a statement under way when the database goes.
  const underWay = Promise.allSettled(Array.from({ length: 10 }, () => store.users.ensure(randomUUID(), null)));
  await database.stop();
  for (const outcome of await underWay) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  }
  await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
  await expect(store.users.get(user.userId)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });

  database = await startEmbeddedPostgres({ directory });
  expect(await store.users.get(user.userId)).toEqual(user);
  await store.close();
});

it('nothing that the store confirmed is lost when the database is killed', async () => {
  const store = createPostgresStore({ connection: database.connection });
  const confirmed: string[] = [];
  const write = async (): Promise<void> => {
    for (;;) {
      const { userId } = await store.users.ensure(randomUUID(), null);
      confirmed.push(userId);
    }
  };
  const writers = Promise.allSettled(Array.from({ length: 4 }, write));
  await expect.poll(() => confirmed.length).toBeGreaterThan(50);
  process.kill(database.pid ?? 0, 'SIGKILL');
  for (const outcome of await writers) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
  }

  await database.stop();
  database = await startEmbeddedPostgres({ directory });
  const found = await Promise.all(confirmed.map((userId) => store.users.get(userId)));
  expect(found.filter((user) => user === undefined)).toEqual([]);
  const ports = await Promise.all(confirmed.map((userId) => store.users.allotProxyPort(userId)));
  expect(new Set(ports).size).toBe(confirmed.length);
  await store.close();
});
