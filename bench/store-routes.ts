import { randomUUID } from 'node:crypto';

import type { PromptEvent } from '@sallyport/core';
import type { Store } from '@sallyport/core/store';
import { Secret } from '@sallyport/core';
import { Client } from 'pg';

import { startDebianPostgres } from '../e2e/support/debian-postgres.ts';
import { startPgbouncer } from '../e2e/support/pgbouncer.ts';
import { startSupabaseProject, supabaseRoles } from '../e2e/support/postgrest.ts';
import { migrate } from '../packages/server/src/stores/migrations/migrate.ts';
import { createPostgresStore } from '../packages/server/src/stores/postgres-store.ts';
import { openSupabaseStore } from '../packages/server/src/stores/supabase-store.ts';
import type { Bench, Finding } from './bench.ts';

const event: PromptEvent = { type: 'text', text: 'x'.repeat(80) };
const AT_ONCE = 64;
const CALLS = 50;

/**
 * One write of a prompt's journal by each route to one PostgreSQL on this host, in turn: alone, and 64 at once. Everything
 * is on this host, so the time that a network takes is to be added to each call.
 */
export const storeRoutes: Bench = {
  name: 'store-routes',
  // Needs Debian's PostgreSQL and PgBouncer.
  isLong: true,
  run: async (_world, count, leftovers) => {
    const postgres = await startDebianPostgres();
    leftovers.defer(() => postgres.stop());
    const admin = new Client(postgres.connection);
    await admin.connect();
    leftovers.defer(() => admin.end());
    await admin.query(supabaseRoles);
    await migrate({ connection: postgres.connection });
    const stores: [string, Store][] = [['a connection', createPostgresStore({ connection: postgres.connection })]];
    for (const mode of ['session', 'transaction'] as const) {
      const pooler = await startPgbouncer(postgres.connection, mode);
      leftovers.defer(() => pooler.stop());
      stores.push([`PgBouncer, ${mode} mode`, createPostgresStore({ connection: pooler.connection })]);
    }
    const project = await startSupabaseProject(postgres.connection, 'sallyport');
    leftovers.defer(() => project.stop());
    const key = new Secret(project.token({ role: 'service_role' }));
    stores.push(['supabase-js and PostgREST', await openSupabaseStore({ url: project.url, key })]);
    leftovers.defer(async () => void (await Promise.all(stores.map(([, store]) => store.close()))));

    const findings = stores.map(([name, store]) => ({
      name,
      store,
      alone: [] as number[],
      together: [] as number[],
    }));
    for (let round = -1; round < count; round += 1) {
      for (const { store, alone, together } of findings) {
        const promptIds = await startPrompts(store);
        const oneMs = await timed(() => appendInTurn(store, promptIds[0] ?? ''));
        const manyMs = await timed(() => Promise.all(promptIds.map((id) => store.prompts.append(id, [event]))));
        if (round < 0) continue;
        alone.push(oneMs / CALLS);
        together.push(manyMs);
      }
    }
    return findings.flatMap(({ name, alone, together }): Finding[] => [
      { title: `an event stored by ${name}`, kind: 'value', unit: 'ms', samples: alone },
      { title: `${AT_ONCE} at once by ${name}`, kind: 'value', unit: 'ms', samples: together },
    ]);
  },
};

async function startPrompts(store: Store): Promise<readonly string[]> {
  const ids = Array.from({ length: AT_ONCE }, () => randomUUID());
  const userId = randomUUID();
  for (const promptId of ids) {
    await store.prompts.create({ promptId, userId, host: 'h', provider: 'codex', conversationId: null }, event);
  }
  return ids;
}

async function appendInTurn(store: Store, promptId: string): Promise<void> {
  for (let call = 0; call < CALLS; call += 1) await store.prompts.append(promptId, [event]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
