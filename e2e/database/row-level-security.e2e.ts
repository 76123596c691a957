import { randomUUID } from 'node:crypto';

import { createClient } from '@supabase/supabase-js';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Store } from '@sallyport/core/store';
import { describeStore } from '@sallyport/testkit';

import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { createPostgresStore } from '../../packages/server/src/stores/postgres-store.ts';
import { clusters } from '../support/database-clusters.ts';
import type { Cluster } from '../support/database-clusters.ts';
import { startSupabaseProject, supabaseRoles } from '../support/postgrest.ts';
import type { SupabaseProject } from '../support/postgrest.ts';

/** What a user may read of each table, and the column that tells whose row it is. Of the others nothing. */
const readable: Readonly<Record<string, string>> = {
  users: 'user_id, status, last_active, created_at',
  vms: 'vm_id, user_id, type, status, created_at, destroyed_at',
  auth_sessions: 'session_id, user_id, provider, method, status, phase, auth_url, error_message, created_at',
  auth_session_events: 'event_id, session_id, event, created_at',
  prompts: 'prompt_id, user_id, provider, status, created_at, ended_at',
  prompt_events: 'event_id, prompt_id, event, created_at',
  provider_credentials: 'credential_id, user_id, provider, version, kind, account, valid, last_verified',
};
const hiddenColumns: readonly (readonly [string, string])[] = [
  ['provider_credentials', 'encrypted_credentials'],
  ['provider_credentials', 'wrapped_key'],
  ['provider_credentials', 'sha256'],
  ['provider_credentials', 'facts'],
  ['users', 'decodo_fixed_ip'],
  ['vms', 'ip_address'],
  ['vms', 'host'],
];

async function fill(store: Store, userId: string): Promise<void> {
  await store.users.ensure(userId, null);
  const [sessionId, promptId] = [randomUUID(), randomUUID()];
  const common = { userId, host: 'h', provider: 'codex' };
  await store.sessions.create({
    ...common,
    sessionId,
    method: 'browser',
    display: 'local',
    browserMachineId: null,
    phase: 'preparing',
  });
  const event = { type: 'done', status: 'failed', phase: 'failed', message: userId } as const;
  await store.sessions.update(sessionId, { status: 'failed' }, event);
  await store.prompts.create({ ...common, promptId, conversationId: null }, { type: 'text', text: userId });
  await store.machines.create({
    machineId: `m-${userId}`,
    userId,
    role: 'cli',
    driver: 'fake',
    host: 'h',
    vcpus: 1,
    memoryMb: 1,
  });
  await store.credentials.append(
    {
      credentialId: randomUUID(),
      userId,
      provider: 'codex',
      sha256: 'a'.repeat(64),
      facts: { kind: 'plan', blank: false, account: `${userId}@example.com` },
      sealed: {
        ciphertext: Buffer.from('x'),
        iv: 'iv',
        tag: 't',
        salt: null,
        wrappedKey: Buffer.from('y'),
        keyId: 'k',
      },
    },
    0,
  );
  await store.audit.append({ at: new Date(0), type: 'user.erased', userId, data: {} });
}

describe.each(clusters)('row-level security on %s', (_name, start) => {
  let cluster: Cluster;
  let admin: Client;
  let tables: readonly string[];
  const [ada, bob] = [randomUUID(), randomUUID()];

  beforeAll(async () => {
    cluster = await start();
    admin = new Client(cluster.connection);
    await admin.connect();
    await admin.query(`${supabaseRoles}; create role sallyport_server login; create role plain_owner login`);
    await migrate({ connection: cluster.connection });
    const store = createPostgresStore({ connection: cluster.connection });
    await fill(store, ada);
    await fill(store, bob);
    await store.close();
    const { rows } = await admin.query<{ name: string }>(
      "select relname as name from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r'",
    );
    tables = rows.map(({ name }) => name);
  });
  afterAll(async () => {
    await admin.end();
    await cluster.stop();
  });

  it('is on and forced for every table, with a policy', async () => {
    expect(tables.length).toBeGreaterThan(12);
    const { rows } = await admin.query(
      `select relname from pg_class where relnamespace = 'sallyport'::regnamespace and relkind = 'r'
       and not (relrowsecurity and relforcerowsecurity and exists (select from pg_policy where polrelid = pg_class.oid))`,
    );
    expect(rows).toEqual([]);
  });

  it('lets no role but the server execute a function', async () => {
    const { rows } = await admin.query(
      `select proname, rolname from pg_proc cross join pg_roles
       where pronamespace = 'sallyport'::regnamespace and rolname in ('anon', 'authenticated', 'authenticator', 'plain_owner')
         and has_function_privilege(pg_roles.oid, pg_proc.oid, 'execute')`,
    );
    expect(rows).toEqual([]);
  });

  describe('through PostgREST', () => {
    let project: SupabaseProject;
    beforeAll(async () => {
      project = await startSupabaseProject(cluster.connection, 'public,sallyport');
    });
    afterAll(() => project.stop());

    const as = (token: string) => createClient(project.url, token, { db: { schema: 'sallyport' } });
    const user = (sub: string, more: object = {}) => as(project.token({ role: 'authenticated', sub, ...more }));

    it.each([
      ['one user', ada, bob],
      ['another', bob, ada],
    ])('shows %s their own rows and nobody else', async (_who, own, foreign) => {
      for (const [table, columns] of Object.entries(readable)) {
        const { data, error } = await user(own).from(table).select(columns);
        expect({ table, error, rows: data?.length }).toEqual({ table, error: null, rows: 1 });
        expect(JSON.stringify(data), table).not.toContain(foreign);
      }
    });

    it('shows a user nothing of the other tables, nor of the columns that are the server’s', async () => {
      for (const table of tables.filter((name) => !(name in readable))) {
        const { error } = await user(ada).from(table).select();
        expect({ table, code: error?.code }).toEqual({ table, code: '42501' });
      }
      for (const [table, column] of hiddenColumns) {
        const { error } = await user(ada).from(table).select(column);
        expect({ table, column, code: error?.code }).toEqual({ table, column, code: '42501' });
      }
    });

    it('lets a user change nothing, their own rows included', async () => {
      const { rows } = await admin.query<{ table: string; column: string }>(
        // A value for an identity column is refused as such.
        `select distinct on (relname) relname as table, attname as column
         from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and attidentity = ''
         where relnamespace = 'sallyport'::regnamespace and relkind = 'r' order by relname, attnum`,
      );
      expect(rows).toHaveLength(tables.length);
      for (const { table, column } of rows) {
        const refusals = [
          await user(ada)
            .from(table)
            .insert({ [column]: null }),
          await user(ada)
            .from(table)
            .update({ [column]: null })
            .not(column, 'is', null),
          await user(ada).from(table).delete().not(column, 'is', null),
        ];
        expect({ table, codes: refusals.map(({ error }) => error?.code) }).toEqual({
          table,
          codes: ['42501', '42501', '42501'],
        });
      }
    });

    it.each([
      ['nobody', () => as(project.token({ role: 'anon' })), '42501'],
      [
        'a user with a forged signature',
        () => as(`${project.token({ role: 'authenticated', sub: ada })}x`),
        'PGRST301',
      ],
      ['a user whose token has expired', () => user(ada, { exp: 1 }), 'PGRST301'],
      ['a role that PostgREST may not take', () => as(project.token({ role: 'postgres', sub: ada })), '42501'],
    ])('shows nothing to %s', async (_who, client, code) => {
      for (const table of Object.keys(readable)) {
        const { data, error, status } = await client().from(table).select();
        expect({ table, data, code: error?.code }).toEqual({ table, data: null, code });
        expect([401, 403]).toContain(status);
      }
    });

    it('shows no rows to a user without an id, or with claims of another kind', async () => {
      const claims = [{ role: 'authenticated' }, { role: 'authenticated', sub: '', user_id: ada }];
      for (const claim of claims) {
        for (const [table, columns] of Object.entries(readable)) {
          const { data } = await as(project.token(claim)).from(table).select(columns);
          expect({ table, data }).toEqual({ table, data: [] });
        }
      }
    });

    it('shows everything to service_role', async () => {
      const client = as(project.token({ role: 'service_role' }));
      for (const table of Object.keys(readable)) {
        const { data } = await client.from(table).select();
        expect({ table, rows: data?.length }).toEqual({ table, rows: 2 });
      }
    });
  });

  it('shows a user their own rows in a transaction that takes their role', async () => {
    for (const [own, foreign] of [
      [ada, bob],
      [bob, ada],
    ] as const) {
      await admin.query('begin; set local role authenticated');
      await admin.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify({ sub: own })]);
      for (const [table, columns] of Object.entries(readable)) {
        const { rows } = await admin.query(`select ${columns} from sallyport.${table}`);
        expect({ table, rows: rows.length }).toEqual({ table, rows: 1 });
        expect(JSON.stringify(rows), table).not.toContain(foreign);
      }
      await admin.query('rollback');
    }
  });

  describe('for the role sallyport_server, which owns nothing', () => {
    let store: Store;
    beforeAll(() => {
      store = createPostgresStore({ connection: { ...cluster.connection, user: 'sallyport_server' } });
    });
    afterAll(() => store.close());

    it('finds nothing to migrate, and may not change the schema', async () => {
      const connection = { ...cluster.connection, user: 'sallyport_server' };
      expect(await migrate({ connection })).toEqual([]);
      const client = new Client(connection);
      await client.connect();
      for (const statement of [
        'alter table sallyport.users disable row level security',
        'create table sallyport.mine ()',
        'delete from sallyport.migrations',
        'select sallyport.settle_access()',
      ]) {
        await expect(client.query(statement), statement).rejects.toMatchObject({ code: '42501' });
      }
      await client.end();
    });
    describeStore(async () => store, { describe, it, expect });
  });

  describe('for an owner that is not a superuser and does not bypass it', () => {
    let store: Store;
    beforeAll(async () => {
      await admin.query('create database plain owner plain_owner');
      const connection = { ...cluster.connection, user: 'plain_owner', database: 'plain' };
      expect((await migrate({ connection })).length).toBeGreaterThan(0);
      expect(await migrate({ connection })).toEqual([]);
      store = createPostgresStore({ connection });
    });
    afterAll(() => store.close());
    describeStore(async () => store, { describe, it, expect });
  });

  it('goes on for the next owner when everything is given to another role', async () => {
    await admin.query('create role next_owner login');
    await admin.query('create database given owner plain_owner');
    const before = { ...cluster.connection, user: 'plain_owner', database: 'given' };
    await migrate({ connection: before });
    const first = createPostgresStore({ connection: before });
    const user = await first.users.ensure(ada, 'ada');
    await first.close();
    const given = new Client({ ...cluster.connection, database: 'given' });
    await given.connect();
    await given.query('reassign owned by plain_owner to next_owner');
    await given.end();
    const after = { ...before, user: 'next_owner' };
    expect(await migrate({ connection: after })).toEqual([]);
    const second = createPostgresStore({ connection: after });
    expect(await second.users.get(ada)).toEqual(user);
    await second.close();
    // It was the owner once.
    const left = createPostgresStore({ connection: before });
    await expect(left.users.get(ada)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await left.close();
  });
});
