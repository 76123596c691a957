import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';

import { SallyportError } from '@sallyport/core';
import { createMemoryRollbackGuard } from '@sallyport/core/key-ring';
import type { RollbackGuard } from '@sallyport/core/key-ring';
import type { CredentialFacts } from '@sallyport/core/provider';
import type { Store } from '@sallyport/core/store';
import { Client } from 'pg';
import type { PoolConfig } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { restoreBackup } from '../packages/server/src/backup/restore-backup.ts';
import { writeBackup } from '../packages/server/src/backup/write-backup.ts';
import { migrate } from '../packages/server/src/stores/migrations/migrate.ts';
import { readMigrations } from '../packages/server/src/stores/migrations/read-migrations.ts';
import { createPostgresStore } from '../packages/server/src/stores/postgres-store.ts';
import { createTestDatabase } from './setup/test-database.ts';

let directory: string;
let full: PoolConfig;
let path: string;
const [rotating, fixed, known] = [randomUUID(), randomUUID(), randomUUID()];
const awkward = 'a\ttab, a \\ and \\N, a\nline, \\.\n\\.\nNUL \0 and half \ud83d';
const now = Date.parse('2026-11-29T12:00:00Z');

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-backup-'));
  full = await createTestDatabase();
  path = join(directory, 'full.gz');
  const store = createPostgresStore({ connection: full });
  await fill(store);
  await store.close();
  await writeBackup({ connection: full, path, now });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function fill(store: Store): Promise<void> {
  const host = 'host-a';
  for (const [userId, provider, facts] of [
    [rotating, 'codex', { kind: 'plan', blank: false }],
    [fixed, 'codex', { kind: 'api-key', blank: false, rotates: false }],
    [known, 'codex', { kind: 'plan', blank: false }],
  ] as const) {
    await store.users.ensure(userId, `name of ${userId}`);
    await addCredential(store, userId, provider, facts);
  }
  const machine = { machineId: 'm-restored', userId: rotating, role: 'cli', driver: 'process', host } as const;
  await store.machines.create({ ...machine, vcpus: 1, memoryMb: 512 }, { asCurrent: true });
  await store.credentials.lease(rotating, 'codex', { machineId: 'm-restored', diskNonce: 'n' });
  const promptId = randomUUID();
  const prompt = { promptId, userId: rotating, host, provider: 'codex', conversationId: null };
  await store.prompts.create(prompt, { type: 'prompt-start', promptId, provider: 'codex' });
  await store.prompts.append(promptId, [{ type: 'text', text: awkward }]);
  await store.audit.append({ at: new Date(now), type: 'prompt.started', userId: rotating, data: { promptId } });
}

async function addCredential(store: Store, userId: string, provider: string, facts: CredentialFacts): Promise<void> {
  const sealed = {
    ciphertext: Uint8Array.of(0, 9, 10, 92, 255),
    iv: 'iv',
    tag: 'tag',
    salt: null,
    wrappedKey: Uint8Array.of(1),
    keyId: 'key-1',
  };
  const credentialId = randomUUID();
  await store.credentials.append({ credentialId, userId, provider, sha256: 'a'.repeat(64), facts, sealed }, 0);
}

async function dump(connection: PoolConfig, leftOut: readonly string[] = []): Promise<readonly string[]> {
  const client = new Client(connection);
  await client.connect();
  closing.push(() => client.end());
  const { rows: tables } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r' order by 1`,
  );
  const lines: string[] = [];
  for (const { name } of tables.filter((table) => !['migrations', 'servers', ...leftOut].includes(table.name))) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from sallyport.${name} t order by 1`);
    lines.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return lines;
}

async function emptyDatabase(): Promise<PoolConfig> {
  const connection = await createTestDatabase();
  const client = new Client(connection);
  await client.connect();
  await client.query('drop schema sallyport cascade');
  await client.end();
  return connection;
}

interface Restore {
  readonly connection: PoolConfig;
  readonly from?: string;
  readonly host?: string;
  readonly guard?: RollbackGuard;
  readonly missing?: readonly string[];
}

const restore = ({ connection, from = path, host = 'host-a', guard, missing = [] }: Restore) =>
  restoreBackup({
    connection,
    path: from,
    host,
    rollbackGuard: guard ?? createMemoryRollbackGuard(),
    assertKeysPresent: async (masterKeys) => {
      const absent = masterKeys.filter((id) => missing.includes(id));
      if (absent.length > 0) throw new SallyportError('CONFIG_INVALID', `The master key ${absent.join()} is missing.`);
    },
  });

describe('a backup', () => {
  it('holds every row as it was, byte for byte, and none of the keys', async () => {
    const connection = await createTestDatabase();
    const { header } = await restore({ connection });
    expect(await dump(connection, ['provider_credentials'])).toEqual(await dump(full, ['provider_credentials']));
    expect(header).toMatchObject({
      sallyportBackup: 1,
      takenAt: '2026-11-29T12:00:00.000Z',
      masterKeys: ['key-1'],
      hosts: ['host-a'],
    });
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    const sealed = (await store.credentials.current(fixed, 'codex'))?.sealed;
    expect([...(sealed?.ciphertext ?? [])]).toEqual([0, 9, 10, 92, 255]);
  });

  it('is for its owner alone, and never replaces a file', async () => {
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const before = await readFile(path);
    await expect(writeBackup({ connection: full, path, now })).rejects.toMatchObject({
      message: `${path} exists already.`,
    });
    expect(Buffer.compare(await readFile(path), before)).toBe(0);
  });

  it('leaves no file where the database cannot be reached', async () => {
    const none = join(directory, 'unreachable.gz');
    const connection = { host: join(directory, 'no-socket'), user: 'postgres', database: 'postgres' };
    await expect(writeBackup({ connection, path: none, now })).rejects.toBeInstanceOf(SallyportError);
    await expect(stat(none)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('leaves no file where there is nothing to back up', async () => {
    const nothing = join(directory, 'nothing.gz');
    await expect(writeBackup({ connection: await emptyDatabase(), path: nothing, now })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(stat(nothing)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('a restored database', () => {
  it('goes on where the backup ended: new rows get new ids', async () => {
    const connection = await createTestDatabase();
    await restore({ connection });
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    const [last] = await store.audit.list({ limit: 1 });
    await store.audit.append({ at: new Date(now + 1), type: 'prompt.ended', userId: rotating, data: {} });
    const [next] = await store.audit.list({ limit: 1 });
    expect(Number(next?.id)).toBe(Number(last?.id) + 1);
  });

  it('uses a login that rotates only if the data directory knows that it is the newest', async () => {
    const connection = await createTestDatabase();
    const guard = createMemoryRollbackGuard();
    const facts = { kind: 'plan', blank: false } as const;
    await guard.note(known, 'codex', { version: 1, sha256: 'a'.repeat(64), facts, machineId: null });
    expect((await restore({ connection, guard })).ended).toBe(1);
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    const states = [rotating, fixed, known].map(async (userId) => {
      const credential = await store.credentials.current(userId, 'codex');
      return [credential?.valid, credential?.invalidReason];
    });
    expect(await Promise.all(states)).toEqual([
      [false, 'rolled-back'],
      [true, null],
      [true, null],
    ]);
  });

  it('belongs to the data directory of its new server', async () => {
    const connection = await createTestDatabase();
    await restore({ connection, host: 'host-b' });
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    expect(await store.machines.list({ host: 'host-b' })).toMatchObject([{ machineId: 'm-restored' }]);
    expect(await store.prompts.running({ host: 'host-b' })).toHaveLength(1);
  });

  it('has the logins under way of its old server, also where that had no machine', async () => {
    const source = await createTestDatabase();
    const before = createPostgresStore({ connection: source });
    const session = { sessionId: randomUUID(), userId: rotating, host: 'host-a', provider: 'codex', method: 'browser' };
    const fresh = { display: 'local', browserMachineId: null, phase: 'accepted' } as const;
    await before.sessions.create({ ...session, ...fresh });
    await before.close();
    const from = join(directory, 'login.gz');
    await writeBackup({ connection: source, path: from, now });
    const connection = await createTestDatabase();
    await restore({ connection, from, host: 'host-b' });
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    expect(await store.sessions.live({ host: 'host-b' })).toMatchObject([{ sessionId: session.sessionId }]);
  });

  it('gets the migrations since the backup', async () => {
    const source = await emptyDatabase();
    const migrations = await readMigrations();
    await migrate({ connection: source, migrations: migrations.slice(0, -1) });
    const client = new Client(source);
    await client.connect();
    await client.query('insert into sallyport.users (user_id, decodo_proxy_port) values ($1, 10001)', [rotating]);
    await client.end();
    const earlier = join(directory, 'earlier.gz');
    await writeBackup({ connection: source, path: earlier, now });
    const connection = await emptyDatabase();
    await restore({ connection, from: earlier });
    expect(await migrate({ connection })).toEqual([]);
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    expect(await store.users.get(rotating)).toMatchObject({ userId: rotating });
  });
});

describe('restoring is refused, and nothing is written,', () => {
  async function expectRefusal(given: Omit<Restore, 'connection'>, message: RegExp): Promise<void> {
    const connection = await emptyDatabase();
    await expect(restore({ connection, ...given })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
    const client = new Client(connection);
    await client.connect();
    closing.push(() => client.end());
    const { rows } = await client.query("select 1 from pg_namespace where nspname = 'sallyport'");
    expect(rows).toEqual([]);
  }

  async function changed(name: string, change: (bytes: Buffer) => Buffer): Promise<string> {
    const file = join(directory, name);
    await writeFile(file, change(await readFile(path)));
    return file;
  }

  const rewritten = (name: string, change: (text: string) => string): Promise<string> =>
    changed(name, (bytes) => gzipSync(Buffer.from(change(gunzipSync(bytes).toString('latin1')), 'latin1')));

  it('if the file is cut off anywhere', async () => {
    const { size } = await stat(path);
    for (const [index, length] of [0, 10, Math.floor(size / 2), size - 1].entries()) {
      const from = await changed(`cut-${index}.gz`, (bytes) => bytes.subarray(0, length));
      await expectRefusal({ from }, /is not a whole backup/);
    }
    const from = await rewritten('no-trailer.gz', (text) => text.slice(0, text.lastIndexOf('{"rows"')));
    await expectRefusal({ from }, /is not a whole backup\. It is cut off/);
  });

  it('if a row was changed, or one was added', async () => {
    const from = await rewritten('changed.gz', (text) => text.replace('m-restored', 'm-changed!'));
    await expectRefusal({ from }, /Its checksum is wrong/);
    const longer = await rewritten('longer.gz', (text) => `${text}more\n`);
    await expectRefusal({ from: longer }, /Something follows its end/);
  });

  it('if it is of a newer format, of a newer schema, or something else', async () => {
    const newer = await rewritten('newer.gz', (text) => text.replace('"sallyportBackup":1', '"sallyportBackup":2'));
    await expectRefusal({ from: newer }, /written by a newer Sallyport, in format 2/);
    const other = await changed('other.gz', () => gzipSync('{"hello":1}\n'));
    await expectRefusal({ from: other }, /It does not begin as a backup does/);
    await expectRefusal({ from: join(directory, 'none.gz') }, /There is no file/);
  });

  it('if a master key is missing', async () => {
    await expectRefusal({ missing: ['key-1'] }, /The master key key-1 is missing/);
  });

  it('if the database has rows', async () => {
    const connection = await createTestDatabase();
    const store = createPostgresStore({ connection });
    closing.push(() => store.close());
    await store.users.ensure(rotating, null);
    const before = await dump(connection);
    await expect(restore({ connection })).rejects.toMatchObject({
      message: 'The database is not empty: there are rows in sallyport.users.',
    });
    expect(await dump(connection)).toEqual(before);
  });
});
