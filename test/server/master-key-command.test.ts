import { randomUUID } from 'node:crypto';

import { Client, type PoolConfig } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { Secret } from '@sallyport/core';
import type { KeyRing } from '@sallyport/core/key-ring';
import type { Store } from '@sallyport/core/store';

import { openMasterKeys } from '../../packages/server/src/data-directory/master-key.ts';
import { createPostgresStore } from '../../packages/server/src/stores/postgres-store.ts';
import { createTestDatabase } from '../setup/test-database.ts';
import { makeDataDirectory, removeDirectory, runSallyport } from './sallyport-process.ts';

const provider = 'codex';
let connection: PoolConfig;
let store: Store;
let dataDirectory: string;

beforeAll(async () => {
  connection = await createTestDatabase();
  store = createPostgresStore({ connection });
  dataDirectory = await makeDataDirectory();
});
afterAll(async () => {
  await store.close();
  await removeDirectory(dataDirectory);
});

async function save(keyRing: KeyRing, userId: string, version: number): Promise<void> {
  const plain = new Secret(Buffer.from(`${userId} ${version}`));
  const sealed = await keyRing.seal(plain, { recordId: userId, userId, provider, version });
  const facts = { kind: 'plan', blank: false } as const;
  const sha256 = `${userId}-${version}`;
  await store.credentials.append({ credentialId: userId, userId, provider, sha256, facts, sealed }, version - 1);
}

async function open(keyRing: KeyRing, userId: string): Promise<string> {
  const record = await store.credentials.current(userId, provider);
  if (!record) throw new Error('nothing is stored');
  const plain = await keyRing.open(record.sealed, { recordId: userId, userId, provider, version: record.version });
  return Buffer.from(plain.reveal()).toString();
}

it('sallyport master-key rotate goes on after kill -9, and a server that runs meanwhile loses nothing', async () => {
  const server = await openMasterKeys({ dataDirectory, inUse: [], now: Date.UTC(2026, 0, 1) });
  const users = Array.from({ length: 60 }, () => randomUUID()).toSorted();
  for (const userId of users) {
    await store.users.ensure(userId, null);
    await save(server.keyRing, userId, 1);
  }
  const { host, port, user, database } = connection;
  const query = new URLSearchParams({ host: String(host), port: String(port), user: String(user) });
  const environment = {
    DATABASE_URL: `postgres://localhost/${database}?${query.toString()}`,
    SALLYPORT_DATA_DIR: dataDirectory,
  };
  const prepared = runSallyport(['master-key', 'rotate'], environment);
  await prepared.saying('3. Then run on each server: sallyport master-key rotate --copied');
  await prepared.ended;
  expect(await store.credentials.keysInUse()).toEqual([server.current]);

  // The command cannot pass the 56th credential, and is killed there.
  const blocker = new Client(connection);
  await blocker.connect();
  await blocker.query('begin');
  await blocker.query('select 1 from sallyport.provider_credentials where user_id = $1 for update', [users[55]]);
  const killed = runSallyport(['master-key', 'rotate', '--copied'], environment);
  await killed.saying('50 rewrapped');
  const [first, last] = [users[0] ?? '', users[59] ?? ''];
  await save(server.keyRing, first, 2);
  await save(server.keyRing, last, 2);
  killed.child.kill('SIGKILL');
  expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' });
  await blocker.query('rollback');
  await blocker.end();
  const inUse = await store.credentials.keysInUse();
  expect(inUse).toHaveLength(2);
  for (const userId of users) {
    expect(await open(server.keyRing, userId)).toBe(`${userId} ${userId === first || userId === last ? 2 : 1}`);
  }

  const resumed = runSallyport(['master-key', 'rotate', '--copied'], environment);
  await resumed.saying(`No credential uses: ${server.current}`);
  expect(await resumed.ended).toMatchObject({ code: 0 });
  const [current] = await store.credentials.keysInUse();
  expect(await store.credentials.keysInUse()).toEqual([inUse.find((id) => id !== server.current)]);
  const restarted = await openMasterKeys({ dataDirectory, inUse: [], now: Date.UTC(2026, 0, 1) });
  expect(restarted.current).toBe(current);
  for (const userId of users) {
    expect(await open(restarted.keyRing, userId)).toBe(`${userId} ${userId === first || userId === last ? 2 : 1}`);
  }
});
