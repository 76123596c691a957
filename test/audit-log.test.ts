import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Client, type PoolConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { startEmbeddedPostgres } from '../packages/server/src/postgres/embedded.ts';
import { migrate } from '../packages/server/src/stores/migrations/migrate.ts';
import { pruneAuditLog } from '../packages/server/src/stores/prune-audit-log.ts';
import { createPostgresStore } from '../packages/server/src/stores/postgres-store.ts';

/** Roles are those of a whole cluster, and other tests share theirs. */
let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>;
let directory: string;
let admin: Client;
let ofOwner: PoolConfig;

const servers = ['sallyport_server', 'service_role'];
const refused = { code: '42501' };
const userId = randomUUID();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-audit-'));
  postgres = await startEmbeddedPostgres({ directory, durable: false });
  admin = new Client(postgres.connection);
  await admin.connect();
  for (const role of servers) await admin.query(`create role ${role} login`);
  await admin.query('alter role service_role bypassrls');
  await admin.query('create role owner login');
  await admin.query('create database audited owner owner');
  ofOwner = { ...postgres.connection, user: 'owner', database: 'audited' };
  await admin.end();
  admin = new Client({ ...postgres.connection, database: 'audited' });
  await admin.connect();
  // As a Supabase project may do for every new table.
  await admin.query(`alter default privileges for role owner grant all on tables to ${servers.join(', ')}`);
  await migrate({ connection: ofOwner });
});
afterAll(async () => {
  await admin.end();
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
});

describe.each([...servers, 'owner'])('the audit log, for the role %s', (role) => {
  it('takes an entry and gives it back', async () => {
    const store = createPostgresStore({ connection: { ...ofOwner, user: role } });
    await store.audit.append({ at: new Date(0), type: 'user.erased', userId, data: { role } });
    const entries = await store.audit.list({ limit: 10, userId });
    expect(entries.map(({ data }) => data['role'])).toContain(role);
    await store.close();
  });

  it.each([
    'update sallyport.audit_log set user_id = null',
    'delete from sallyport.audit_log',
    'truncate sallyport.audit_log',
    'insert into sallyport.audit_log (at, type, data) values (now(), $$x$$, $$null$$) on conflict (audit_id) do update set type = $$y$$',
    'merge into sallyport.audit_log a using (select 1) on true when matched then delete',
  ])('refuses: %s', async (statement) => {
    const count = async () => (await admin.query('select count(*) from sallyport.audit_log')).rows;
    const before = await count();
    const client = new Client({ ...ofOwner, user: role });
    await client.connect();
    try {
      await expect(client.query(statement)).rejects.toMatchObject(refused);
    } finally {
      await client.end();
    }
    expect(await count()).toEqual(before);
  });
});

describe('the rights on the audit log', () => {
  it('are, after every migration, to add and to read alone', async () => {
    const { rows } = await admin.query<{ role: string; rights: string[] }>(
      `select grantee::regrole::text as role, array_agg(privilege_type order by privilege_type) as rights
       from pg_class, aclexplode(relacl)
       where oid = 'sallyport.audit_log'::regclass group by 1 order by 1`,
    );
    const byRole = Object.fromEntries(rows.map(({ role, rights }) => [role, rights]));
    expect(Object.keys(byRole)).toEqual(['owner', ...servers]);
    for (const role of servers)
      expect(byRole[role]?.filter((right) => right !== 'MAINTAIN')).toEqual(['INSERT', 'SELECT']);
    for (const right of ['UPDATE', 'DELETE', 'TRUNCATE']) expect(byRole['owner']).not.toContain(right);
  });

  it('are not widened by a function that runs with the rights of another role', async () => {
    const { rows } = await admin.query(
      `select proname from pg_proc where pronamespace = 'sallyport'::regnamespace and prosecdef`,
    );
    expect(rows).toEqual([]);
  });

  it('are used by no function to change or delete an entry', async () => {
    const { rows } = await admin.query<{ name: string; source: string }>(
      `select proname as name, prosrc as source from pg_proc
       where pronamespace = 'sallyport'::regnamespace and prosrc like '%audit_log%' order by proname`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['append_audit', 'list_audit', 'settle_access', 'write_audit']);
    for (const { name, source } of rows) {
      if (name !== 'settle_access') expect(source).not.toMatch(/\b(update|delete|truncate|merge)\b/i);
    }
  });

  it('do not depend on another table: no foreign key or trigger changes an entry', async () => {
    const { rows } = await admin.query(
      `select conname as name from pg_constraint where conrelid = 'sallyport.audit_log'::regclass and contype = 'f'
       union all select tgname from pg_trigger where tgrelid = 'sallyport.audit_log'::regclass`,
    );
    expect(rows).toEqual([]);
  });
});

describe('pruning the audit log', () => {
  const years = (ago: number): Date => new Date(Date.UTC(2026 - ago, 0, 1));
  const entriesOf = async (): Promise<readonly unknown[]> =>
    (await admin.query('select at, type, data from sallyport.audit_log order by at')).rows;

  it('deletes what is older, says so, and leaves the owner without the right', async () => {
    const store = createPostgresStore({ connection: ofOwner });
    for (const ago of [9, 8, 7])
      await store.audit.append({ at: years(ago), type: 'login.started', userId, data: { ago } });
    await store.close();
    const now = years(0);
    const old = await admin.query('select from sallyport.audit_log where at < $1', [years(7)]);
    expect(old.rowCount).toBeGreaterThan(1);
    expect(await pruneAuditLog({ connection: ofOwner, before: years(7), now })).toBe(old.rowCount);
    const left = await entriesOf();
    expect(left[0]).toMatchObject({ at: years(7), data: { ago: 7 } });
    expect(left).toContainEqual({ at: now, type: 'audit.pruned', data: { before: years(7).toISOString() } });
    const { rows } = await admin.query<{ may: boolean }>(
      `select has_table_privilege('owner', 'sallyport.audit_log', 'delete') as may`,
    );
    expect(rows).toEqual([{ may: false }]);
  });

  it.each(servers)('is refused to %s, and leaves no entry', async (role) => {
    const before = await entriesOf();
    const connection = { ...ofOwner, user: role };
    await expect(pruneAuditLog({ connection, before: years(0), now: years(0) })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('owner of the schema'),
    });
    expect(await entriesOf()).toEqual(before);
  });
});
