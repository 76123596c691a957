import { randomUUID } from 'node:crypto';

import { Client, type PoolConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { PromptEvent } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';
import { describeStore } from '@sallyport/testkit';

import { createPostgresStore } from '../packages/server/src/stores/postgres-store.ts';
import { createTestDatabase } from './setup/test-database.ts';

let store: Store;
let connection: PoolConfig;
let client: Client;

beforeAll(async () => {
  connection = await createTestDatabase();
  store = createPostgresStore({ connection });
  client = new Client(connection);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await store.close();
});

describeStore(async () => store, { describe, it, expect });

describe('the store on PostgreSQL', () => {
  it('forgets the bytes of a version when the next one is stored', async () => {
    const userId = randomUUID();
    const version = { ...newVersion(userId), sealed: { ...sealed, ciphertext: Buffer.from('first secret') } };
    await store.credentials.append(version, 0);
    await store.credentials.append({ ...newVersion(userId), sha256: 'b'.repeat(64) }, 1);
    const { rows } = await client.query<{ row: string }>(
      `select row_to_json(current)::text as row from sallyport.provider_credentials as current where user_id = $1
       union all select row_to_json(older)::text from sallyport.provider_credential_versions as older where user_id = $1`,
      [userId],
    );
    expect(rows.length).toBe(3);
    expect(rows.map(({ row }) => row).join('\n')).not.toContain(Buffer.from('first secret').toString('hex'));
    expect(await store.credentials.seen(userId, 'codex', 'a'.repeat(64))).toBe(1);
  });

  it('keeps what a CLI prints byte for byte, NUL and half a character included', async () => {
    const promptId = randomUUID();
    const event: PromptEvent = { type: 'text', text: 'a\0b \\u0000 \ud83d é' };
    await store.prompts.create(
      { promptId, userId: randomUUID(), host: 'h', provider: 'codex', conversationId: null },
      event,
    );
    await store.prompts.append(promptId, [event]);
    expect((await store.prompts.events(promptId, 0, 10)).map((entry) => entry.event)).toEqual([event, event]);
  });

  it('takes a NUL in a message, which no column can hold, as a replacement character', async () => {
    const sessionId = randomUUID();
    await store.sessions.create({ ...newSession(), sessionId });
    const event = { type: 'done', status: 'failed', phase: 'failed', message: 'x' } as const;
    const updated = await store.sessions.update(sessionId, { status: 'failed', errorMessage: 'a\0b' }, event);
    expect(updated?.session.errorMessage).toBe('a\uFFFDb');
  });

  it('lists rows of the same microsecond in pages, each once, also behind one that is deleted meanwhile', async () => {
    const userId = randomUUID();
    const promptIds = Array.from({ length: 7 }, () => randomUUID());
    for (const promptId of promptIds) {
      const sessionId = promptId;
      await store.sessions.create({ ...newSession(), sessionId, userId, provider: promptId });
      const prompt = { promptId, userId, host: 'h', provider: 'codex', conversationId: promptId };
      await store.prompts.create(prompt, { type: 'prompt-start', promptId, provider: 'codex' });
    }
    // PostgreSQL compares UUIDs byte by byte, and so does their text sort.
    const expected = promptIds.toSorted().toReversed();
    const time = '2026-01-02 03:04:05.678901+00';
    for (const table of ['prompts', 'auth_sessions'])
      await client.query(`update sallyport.${table} set created_at = $1 where user_id = $2`, [time, userId]);
    const erase = async (id: string) => {
      await client.query('delete from sallyport.prompts where prompt_id = $1', [id]);
      await client.query('delete from sallyport.auth_sessions where session_id = $1', [id]);
    };
    const first = {
      sessions: await store.sessions.list({ userId, limit: 3 }),
      prompts: await store.prompts.list({ userId, limit: 3 }),
      conversations: await store.prompts.conversations({ userId, limit: 3 }),
    };
    const [, , third = ''] = expected;
    const position = { time: '2026-01-02T03:04:05.678901Z', id: third };
    expect(first.sessions.next).toEqual(position);
    expect(first.prompts.next).toEqual(position);
    expect(first.conversations.next).toEqual({ ...position, id: `codex/${third}` });
    await erase(third);
    const rest = { userId, limit: 10 };
    const second = {
      sessions: await store.sessions.list({ ...rest, after: first.sessions.next }),
      prompts: await store.prompts.list({ ...rest, after: first.prompts.next }),
      conversations: await store.prompts.conversations({ ...rest, after: first.conversations.next }),
    };
    const read = {
      sessions: [...first.sessions.items, ...second.sessions.items].map(({ sessionId }) => sessionId),
      prompts: [...first.prompts.items, ...second.prompts.items].map(({ promptId }) => promptId),
      conversations: [...first.conversations.items, ...second.conversations.items].map((each) => each.conversationId),
    };
    expect(read).toEqual({ sessions: expected, prompts: expected, conversations: expected });
  });

  it('finds nothing under an id that is not a UUID', async () => {
    expect(await store.sessions.get("' or true --")).toBeUndefined();
    expect(await store.users.get('')).toBeUndefined();
    expect(await store.prompts.events('m-1', 0, 10)).toEqual([]);
  });

  it('refuses the writes of a server whose host another one has claimed', async () => {
    const [first, second] = [createPostgresStore({ connection }), createPostgresStore({ connection })];
    const host = `host-${randomUUID()}`;
    const session = newSession();
    const event = { type: 'phase', status: 'pending', phase: 'p', message: 'x' } as const;
    await first.servers.claim(host, 0);
    await first.sessions.create(session);
    expect(await first.sessions.update(session.sessionId, { phase: 'p' }, event)).toMatchObject({ entry: { event } });
    await second.servers.claim(host, 1);
    const refused = { code: 'SERVER_SUPERSEDED', details: { host } };
    await expect(first.sessions.update(session.sessionId, { phase: 'q' }, event)).rejects.toMatchObject(refused);
    await expect(first.credentials.append(newVersion(session.userId), 0)).rejects.toMatchObject(refused);
    await expect(first.users.get(session.userId)).rejects.toMatchObject(refused);
    expect(await second.sessions.get(session.sessionId)).toMatchObject({ phase: 'p' });
    expect(await second.sessions.update(session.sessionId, { phase: 'q' }, event)).toBeDefined();
    await Promise.all([first.close(), second.close()]);
  });

  it('checks the claim in every function that writes, before it writes', async () => {
    const { rows } = await client.query<{ name: string; source: string; volatile: boolean; fenced: boolean }>(
      `select proname as name, prosrc as source, provolatile = 'v' as volatile, 'p_claim' = any (proargnames) as fenced
       from pg_proc where pronamespace = 'sallyport'::regnamespace`,
    );
    // `write_audit` is called by functions that have checked it.
    const exempt = ['beat_server', 'check_claim', 'claim_server', 'release_server', 'settle_access', 'write_audit'];
    const writing = rows.filter(({ name, volatile }) => volatile && !exempt.includes(name));
    expect(writing.length).toBeGreaterThan(15);
    for (const { name, source, fenced } of writing) {
      expect(fenced, name).toBe(true);
      const [check, write] = [source.indexOf('sallyport.check_claim(p_claim)'), source.search(/insert|update|delete/)];
      expect(check, name).toBeGreaterThan(-1);
      expect(check, name).toBeLessThan(write);
    }
  });

  it('lets no write of an earlier claim commit after the claim that follows', async () => {
    const host = `host-${randomUUID()}`;
    const write = `select sallyport.set_provider_disabled($1, true, $2)`;
    await client.query('select sallyport.claim_server($1, 0)', [host]);
    const rival = new Client(connection);
    await rival.connect();
    try {
      await client.query('begin');
      await client.query(write, [host, { host, epoch: 1 }]);
      const { rows } = await rival.query<{ pid: number }>('select pg_backend_pid() as pid');
      const claimed = rival.query('select sallyport.claim_server($1, 1) as claimed', [host]);
      const waits = 'select wait_event_type from pg_stat_activity where pid = $1';
      await expect
        .poll(async () => (await client.query(waits, [rows[0]?.pid])).rows)
        .toEqual([{ wait_event_type: 'Lock' }]);
      await client.query('commit');
      expect((await claimed).rows).toEqual([{ claimed: true }]);
      await expect(client.query(write, [host, { host, epoch: 1 }])).rejects.toMatchObject({ code: 'SP001' });
    } finally {
      await client.query('rollback');
      await rival.end();
    }
  });

  it('frees and prunes an idempotency key after a day', async () => {
    const scope = { userId: randomUUID(), route: 'POST /things', key: 'k' };
    const claim = () => ({ bodyHash: 'a'.repeat(64), resourceId: randomUUID() });
    const age = (interval: string) =>
      client.query(`update sallyport.idempotency_keys set created_at = now() - $1::interval where user_id = $2`, [
        interval,
        scope.userId,
      ]);
    await store.idempotency.claim(scope, claim());
    await age('23 hours 59 minutes');
    expect((await store.idempotency.claim(scope, claim()))?.ageMs).toBeGreaterThan(23 * 3_600_000);
    await age('24 hours');
    expect(await store.idempotency.claim(scope, claim())).toBeUndefined();
    expect((await store.idempotency.claim(scope, claim()))?.ageMs).toBeLessThan(3_600_000);
    await age('25 hours');
    expect(await store.idempotency.prune(10)).toBe(1);
    expect(await store.idempotency.prune(10)).toBe(0);
  });

  it('hides every table from a role that is not the owner', async () => {
    const role = `reader_${process.pid}`;
    await client.query(
      `create role ${role}; grant usage on schema sallyport to ${role}; grant select on all tables in schema sallyport to ${role}`,
    );
    try {
      await store.users.ensure(randomUUID(), null);
      await client.query(`set role ${role}`);
      const { rows: tables } = await client.query<{ name: string }>(
        `select quote_ident(tablename) as name from pg_tables where schemaname = 'sallyport'`,
      );
      expect(tables.length).toBeGreaterThan(8);
      for (const { name } of tables) {
        const { rows } = await client.query(`select 1 from sallyport.${name} limit 1`);
        expect(rows, name).toEqual([]);
      }
    } finally {
      await client.query(`reset role; drop owned by ${role}; drop role ${role}`);
    }
  });

  it('survives that all its connections are cut, and answers again at the next call', async () => {
    await Promise.all(Array.from({ length: 8 }, () => store.ping()));
    await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await expect.poll(() => store.ping().then(() => 'up', String)).toBe('up');
  });

  it('answers STORE_UNAVAILABLE in time when nobody listens, and after it was closed', async () => {
    const away = createPostgresStore({ connection: { host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' } });
    await expect(away.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await away.close();
    await expect(away.users.get(randomUUID())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

const sealed = {
  ciphertext: Buffer.from('x'),
  iv: 'iv',
  tag: 'tag',
  salt: null,
  wrappedKey: Buffer.from('y'),
  keyId: 'k',
};

function newVersion(userId: string) {
  const facts = { kind: 'plan', blank: false } as const;
  return { credentialId: randomUUID(), userId, provider: 'codex', sha256: 'a'.repeat(64), facts, sealed };
}

function newSession() {
  return {
    sessionId: randomUUID(),
    userId: randomUUID(),
    host: 'h',
    provider: 'codex',
    method: 'browser',
    display: 'local',
    browserMachineId: null,
    phase: 'preparing',
  } as const;
}
