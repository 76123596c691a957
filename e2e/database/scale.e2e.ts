import { createHash, randomUUID } from 'node:crypto';

import type { Store } from '@sallyport/core/store';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createSqlStore } from '../../packages/server/src/stores/sql/sql-store.ts';
import { migrate } from '../../packages/server/src/stores/migrations/migrate.ts';
import { openCountingRoute } from '../support/counted-rows.ts';
import { clusters } from '../support/database-clusters.ts';
import type { Cluster } from '../support/database-clusters.ts';
import {
  addManyUsers,
  manyHost,
  manyLinkId,
  manyMachineId,
  manyPromptId,
  manySessionId,
  manyUserId,
} from '../support/many-users.ts';
import { supabaseRoles } from '../support/postgrest.ts';

const FEW = 1_000;
const MANY = 20_000;
/** A plan may read a page more or less of an index. */
const SLACK = 60;
/** Functions written in PL/pgSQL may change to a plan for any arguments at the sixth call. */
const CALLS = 7;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const userId = manyUserId(500);
const of = { userId, provider: 'codex' };
const host = manyHost(500);
const machineId = manyMachineId(500);
const sealed = {
  ciphertext: new Uint8Array([0]),
  iv: 'iv',
  tag: 'tag',
  salt: 'salt',
  wrappedKey: new Uint8Array([0]),
  keyId: 'key-1',
};
const scope = { userId, route: 'prompt', key: 'key-1' };
const page = { userId, limit: 100 };
const DAY = 86_400_000;

/** One call of every method of a store, for a user in the midst of the others. */
const operations: readonly (readonly [string, (store: Store) => Promise<unknown>])[] = [
  ['users.ensure', ({ users }) => users.ensure(userId, 'name-500')],
  ['users.get', ({ users }) => users.get(userId)],
  ['users.allotProxyPort', ({ users }) => users.allotProxyPort(manyUserId(501))],
  ['users.setMachine', ({ users }) => users.setMachine(userId, machineId)],
  ['users.erase', ({ users }) => users.erase(userId)],
  ['users.lastErasure', ({ users }) => users.lastErasure(userId)],
  [
    'sessions.create',
    ({ sessions }) =>
      sessions.create({
        ...of,
        sessionId: randomUUID(),
        method: 'oauth',
        display: 'desktop',
        browserMachineId: null,
        phase: 'queued',
        host,
      }),
  ],
  ['sessions.get', ({ sessions }) => sessions.get(manySessionId(1500))],
  [
    'sessions.update',
    ({ sessions }) =>
      sessions.update(
        manySessionId(1500),
        {},
        { type: 'phase', phase: 'completed', status: 'completed', message: 'Done.' },
      ),
  ],
  ['sessions.events', ({ sessions }) => sessions.events(manySessionId(1500), 0)],
  ['sessions.live', ({ sessions }) => sessions.live({ host })],
  ['sessions.list', ({ sessions }) => sessions.list(page)],
  ['credentials.current', ({ credentials }) => credentials.current(userId, 'codex')],
  ['credentials.list', ({ credentials }) => credentials.list(userId)],
  [
    'credentials.append',
    ({ credentials }) =>
      credentials.append(
        { ...of, credentialId: randomUUID(), sha256: digest('new'), facts: { kind: 'plan', blank: false }, sealed },
        3,
      ),
  ],
  ['credentials.seen', ({ credentials }) => credentials.seen(userId, 'codex', digest('500-2'))],
  ['credentials.seenLineage', ({ credentials }) => credentials.seenLineage(userId, 'codex', 'line-500')],
  ['credentials.setValid', ({ credentials }) => credentials.setValid(userId, 'codex', false)],
  ['credentials.setVerified', ({ credentials }) => credentials.setVerified(userId, 'codex', machineId)],
  ['credentials.endingBefore', ({ credentials }) => credentials.endingBefore(Date.now() + 3 * DAY)],
  ['credentials.noteWarning', ({ credentials }) => credentials.noteWarning(userId, 'codex', 1)],
  ['credentials.keysInUse', ({ credentials }) => credentials.keysInUse()],
  ['credentials.underOlderKeys', ({ credentials }) => credentials.underOlderKeys('key-2', 100)],
  [
    'credentials.rewrap',
    async ({ credentials }) => {
      const record = await credentials.current(userId, 'codex');
      return record && credentials.rewrap(record, sealed);
    },
  ],
  ['credentials.erase', ({ credentials }) => credentials.erase(userId, 'codex')],
  ['credentials.lease', ({ credentials }) => credentials.lease(userId, 'codex', { machineId, diskNonce: 'new' })],
  ['credentials.release', ({ credentials }) => credentials.release(userId, 'codex', machineId)],
  ['credentials.holder', ({ credentials }) => credentials.holder(userId, 'codex')],
  [
    'machines.create',
    ({ machines }) =>
      machines.create({
        machineId: 'm-new',
        userId,
        role: 'browser',
        driver: 'process',
        host,
        vcpus: 1,
        memoryMb: 384,
      }),
  ],
  ['machines.get', ({ machines }) => machines.get(machineId)],
  ['machines.list of a user', ({ machines }) => machines.list({ userId })],
  ['machines.list of a host', ({ machines }) => machines.list({ host })],
  ['machines.update', ({ machines }) => machines.update(machineId, { state: 'running' })],
  ['machines.noteInjected', ({ machines }) => machines.noteInjected(machineId, 'codex', 3)],
  ['machines.nextEpoch', ({ machines }) => machines.nextEpoch(machineId)],
  [
    'prompts.create',
    ({ prompts }) =>
      prompts.create({ ...of, promptId: randomUUID(), host, conversationId: null }, { type: 'text', text: 'hello' }),
  ],
  ['prompts.get', ({ prompts }) => prompts.get(manyPromptId(2000))],
  ['prompts.append', ({ prompts }) => prompts.append(manyPromptId(2000), [{ type: 'text', text: 'hello' }])],
  ['prompts.events', ({ prompts }) => prompts.events(manyPromptId(2000), 0, 100)],
  ['prompts.running', ({ prompts }) => prompts.running({ host })],
  ['prompts.list', ({ prompts }) => prompts.list(page)],
  ['prompts.conversations', ({ prompts }) => prompts.conversations(page)],
  ['audit.append', ({ audit }) => audit.append({ at: new Date(), type: 'login.completed', userId, data: {} })],
  ['audit.list', ({ audit }) => audit.list({ limit: 100 })],
  ['audit.list of a user', ({ audit }) => audit.list({ limit: 100, userId })],
  ['audit.list of a type', ({ audit }) => audit.list({ limit: 100, type: 'login.completed' })],
  ['providerSwitches.disabled', ({ providerSwitches }) => providerSwitches.disabled()],
  ['providerSwitches.set', ({ providerSwitches }) => providerSwitches.set('codex', true)],
  ['history.erase', ({ history }) => history.erase(userId)],
  ['history.prune', ({ history }) => history.prune(5 * DAY, 100)],
  ['servers.get', ({ servers }) => servers.get(host)],
  ['servers.claim', ({ servers }) => servers.claim(host, 1)],
  ['servers.beat', ({ servers }) => servers.beat(host, 1)],
  ['servers.release', ({ servers }) => servers.release(host, 1)],
  [
    'idempotency.claim',
    ({ idempotency }) => idempotency.claim(scope, { bodyHash: digest('500'), resourceId: randomUUID() }),
  ],
  ['idempotency.complete', ({ idempotency }) => idempotency.complete(scope, manyPromptId(500))],
  ['idempotency.release', ({ idempotency }) => idempotency.release(scope, manyPromptId(500))],
  ['idempotency.erase', ({ idempotency }) => idempotency.erase(userId)],
  ['idempotency.prune', ({ idempotency }) => idempotency.prune(100)],
  [
    'apiKeys.create',
    ({ apiKeys }) => apiKeys.create({ keyId: '0'.repeat(16), name: 'key', role: 'service', sha256: digest('key') }),
  ],
  ['apiKeys.get', ({ apiKeys }) => apiKeys.get('0'.repeat(16))],
  ['apiKeys.list', ({ apiKeys }) => apiKeys.list()],
  ['apiKeys.noteUse', ({ apiKeys }) => apiKeys.noteUse('0'.repeat(16))],
  ['apiKeys.revoke', ({ apiKeys }) => apiKeys.revoke('0'.repeat(16))],
  [
    'connectLinks.create',
    ({ connectLinks }) =>
      connectLinks.create({
        ...of,
        linkId: randomUUID(),
        externalId: null,
        replace: false,
        returnUrl: 'https://product.test/',
        state: null,
        tokenSha256: digest('token'),
        lifetimeMs: 1_000,
      }),
  ],
  ['connectLinks.open', ({ connectLinks }) => connectLinks.open(digest('token-501'), digest('browser'), 1_000)],
  ['connectLinks.ofBrowser', ({ connectLinks }) => connectLinks.ofBrowser(digest('browser-501'))],
  ['connectLinks.setSession', ({ connectLinks }) => connectLinks.setSession(manyLinkId(501), null, randomUUID())],
  ['connectLinks.setCode', ({ connectLinks }) => connectLinks.setCode(manyLinkId(501), digest('code'), 1_000)],
  ['connectLinks.spend', ({ connectLinks }) => connectLinks.spend(digest('code-501'))],
  ['connectLinks.list of a user', ({ connectLinks }) => connectLinks.list({ userId })],
  ['connectLinks.list of those that ended', ({ connectLinks }) => connectLinks.list({ ended: true, limit: 10 })],
  ['connectLinks.remove', ({ connectLinks }) => connectLinks.remove(manyLinkId(501))],
];

describe.each(clusters)('a store with many users, on %s', (named, start) => {
  let cluster: Cluster;
  let client: Client;
  const read = { few: new Map<string, number>(), many: new Map<string, number>() };
  let store: Store;

  beforeAll(async () => {
    cluster = await start();
    client = new Client(cluster.connection);
    await client.connect();
    await client.query(`${supabaseRoles}; create role sallyport_server`);
    await migrate({ connection: cluster.connection });
    const route = openCountingRoute(client);
    store = createSqlStore(route);
    const countAll = async (counts: Map<string, number>): Promise<void> => {
      for (const [name, run] of operations) {
        for (let call = 0; call < CALLS; call += 1) {
          route.take();
          // A claim of a host stays in the store and is taken back in the database.
          await run(createSqlStore(route));
          counts.set(name, Math.max(counts.get(name) ?? 0, route.take()));
        }
      }
    };
    await addManyUsers(client, 1, FEW);
    await countAll(read.few);
    await addManyUsers(client, FEW + 1, MANY);
    await countAll(read.many);
    console.log(`What reads most, on ${named}:`);
    console.table(
      [...read.many]
        .toSorted(([, one], [, other]) => other - one)
        .slice(0, 10)
        .map(([method, many]) => ({ method, [`${FEW} users`]: read.few.get(method), [`${MANY} users`]: many })),
    );
  });
  afterAll(async () => {
    await client?.end();
    await cluster?.stop();
  });

  it('is measured by every method', () => {
    const parts = Object.entries(store).filter(([, value]) => typeof value === 'object');
    const methods = parts.flatMap(([part, value]) => Object.keys(value).map((name) => `${part}.${name}`));
    const measured = new Set(operations.map(([name]) => name.replace(/ .*/, '')));
    expect([...measured].toSorted()).toEqual(methods.toSorted());
  });

  it.each(operations.map(([name]) => name))('%s reads as much for 20,000 users as for 1,000', (name) => {
    const [few = Number.NaN, many = Number.NaN] = [read.few.get(name), read.many.get(name)];
    expect(many, `${few} rows and index entries for ${FEW} users`).toBeLessThanOrEqual(few + SLACK);
  });
});
