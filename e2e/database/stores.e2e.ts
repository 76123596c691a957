import { randomUUID } from 'node:crypto';

import { createClient } from '@supabase/supabase-js';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { Secret } from '@sallyport/core';
import type { PromptEvent } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';
import { describeStore } from '@sallyport/testkit';

import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { createPostgresStore } from '../../packages/server/src/stores/postgres-store.ts';
import { openSupabaseStore } from '../../packages/server/src/stores/supabase-store.ts';
import { clusters } from '../support/database-clusters.ts';
import type { Cluster } from '../support/database-clusters.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import { startPgbouncer } from '../support/pgbouncer.ts';
import type { Pooler } from '../support/pgbouncer.ts';
import { startSupabaseProject, supabaseRoles } from '../support/postgrest.ts';
import type { SupabaseProject } from '../support/postgrest.ts';

describe.each(clusters)('on %s', (_name, start) => {
  let cluster: Cluster;
  let admin: Client;

  beforeAll(async () => {
    cluster = await start();
    admin = new Client(cluster.connection);
    await admin.connect();
    await admin.query(supabaseRoles);
    await migrate({ connection: cluster.connection });
  });
  afterAll(async () => {
    await admin.end();
    await cluster.stop();
  });

  describe('by connections', () => {
    let store: Store;
    beforeAll(() => {
      store = createPostgresStore({ connection: cluster.connection });
    });
    afterAll(() => store.close());
    describeStore(async () => store, { describe, it, expect });
  });

  describe('by supabase-js and PostgREST', () => {
    let project: SupabaseProject;
    let store: Store;
    const key = (): Secret => new Secret(project.token({ role: 'service_role' }));

    beforeAll(async () => {
      project = await startSupabaseProject(cluster.connection, 'public,sallyport');
      store = await openSupabaseStore({ url: project.url, key: key() });
    });
    afterAll(async () => {
      await store.close();
      await project.stop();
    });

    describeStore(async () => store, { describe, it, expect });

    it('answers STORE_UNAVAILABLE while it is cut off, and goes on afterwards', async () => {
      const userId = randomUUID();
      const user = await store.users.ensure(userId, 'before');
      const underWay = Promise.allSettled(Array.from({ length: 8 }, () => store.users.ensure(randomUUID(), null)));
      project.cut(true);
      for (const outcome of await underWay) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      }
      await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
      project.cut(false);
      expect(await store.users.get(userId)).toEqual(user);
    });

    it('goes on after the database has ended every connection of PostgREST', async () => {
      await store.ping();
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator' and pid <> pg_backend_pid()",
      );
      await expect.poll(() => store.ping().then(() => 'up', String)).toBe('up');
    });

    it('reads more rows than PostgREST gives as a set', async () => {
      const promptId = randomUUID();
      const event: PromptEvent = { type: 'text', text: 'a\0b \\u0000 \ud83d é' };
      await store.prompts.create(
        { promptId, userId: randomUUID(), host: 'h', provider: 'codex', conversationId: null },
        event,
      );
      await store.prompts.append(
        promptId,
        Array.from({ length: 1500 }, () => event),
      );
      const entries = await store.prompts.events(promptId, 0, 5000);
      expect(entries).toHaveLength(1501);
      expect(entries.at(-1)?.event).toEqual(event);
    });

    it('refuses the writes of a server whose host another one has claimed', async () => {
      const [first, second] = await Promise.all([0, 1].map(() => openSupabaseStore({ url: project.url, key: key() })));
      const host = `host-${randomUUID()}`;
      await first?.servers.claim(host, 0);
      await first?.users.ensure(randomUUID(), null);
      await second?.servers.claim(host, 1);
      await expect(first?.users.ensure(randomUUID(), null)).rejects.toMatchObject({
        code: 'SERVER_SUPERSEDED',
        details: { host },
      });
    });

    it('says which key is wanted where another one is given', async () => {
      const open = (token: string) => openSupabaseStore({ url: project.url, key: new Secret(token) });
      const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining('SUPABASE_SERVICE_ROLE_KEY') };
      await expect(open(`${key().reveal()}x`)).rejects.toMatchObject(refused);
      await expect(open('sb_secret_of_another_project')).rejects.toMatchObject(refused);
      await expect(open(project.token({ role: 'authenticated', sub: randomUUID() }))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        hint: expect.stringContaining('service_role'),
      });
    });

    it.each(['anon', 'authenticated'])('refuses every function to %s', async (role) => {
      const { rows } = await admin.query<{ name: string; arguments: string[] }>(
        `select proname as name, coalesce(proargnames, '{}') as arguments from pg_proc
         where pronamespace = 'sallyport'::regnamespace`,
      );
      expect(rows.length).toBeGreaterThan(40);
      const client = createClient(project.url, project.token({ role, sub: randomUUID() }), {
        db: { schema: 'sallyport' },
      });
      for (const { name, arguments: names } of rows) {
        const args = Object.fromEntries(names.map((argument) => [argument, null]));
        const { error, status } = await client.rpc(name, args);
        expect({ name, code: error?.code, status }).toEqual({
          name,
          code: '42501',
          status: role === 'anon' ? 401 : 403,
        });
      }
    });

    it('names the setting where the schema is not exposed', async () => {
      const bare = await startSupabaseProject(cluster.connection, 'public');
      try {
        const opened = openSupabaseStore({ url: bare.url, key: new Secret(bare.token({ role: 'service_role' })) });
        await expect(opened).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          message: expect.stringContaining('does not expose the schema sallyport'),
          hint: expect.stringContaining('exposed schemas'),
        });
      } finally {
        await bare.stop();
      }
    });

    it('refuses a project without a migration that is needed, and names it', async () => {
      const { rows } = await admin.query<{ version: string; name: string }>(
        'delete from sallyport.migrations where version = (select max(version) from sallyport.migrations) returning version, name',
      );
      try {
        await expect(openSupabaseStore({ url: project.url, key: key() })).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          message: expect.stringMatching(/does not have the migration \d{14}_sallyport_/),
          hint: expect.stringContaining('sallyport migrations export'),
        });
      } finally {
        await admin.query('insert into sallyport.migrations (version, name) values ($1, $2)', [
          rows[0]?.version,
          rows[0]?.name,
        ]);
      }
    });
  });
});

describe.each(['session', 'transaction'] as const)('through PgBouncer in %s mode', (mode) => {
  let postgres: Cluster;
  let pooler: Pooler;
  let store: Store;
  beforeAll(async () => {
    postgres = await startDebianPostgres();
    pooler = await startPgbouncer(postgres.connection, mode);
    expect((await migrate({ connection: pooler.connection })).length).toBeGreaterThan(0);
    store = createPostgresStore({ connection: pooler.connection });
  });
  afterAll(async () => {
    await store.close();
    await pooler.stop();
    await postgres.stop();
  });
  describeStore(async () => store, { describe, it, expect });
});
