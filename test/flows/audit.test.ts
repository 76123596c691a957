import { SallyportError } from '@sallyport/core';
import { isAuditedByServer } from '@sallyport/core/store';
import { describe, expect, it } from 'vitest';

import { agentOf, canary, connect, createWorld, credential, ended, runPrompt, settle, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

/** Does an action, once; called again, it repeats the same request. */
type Action = (world: World) => Promise<unknown>;

interface Case {
  readonly what: string;
  readonly options?: WorldOptions;
  /** Before the action; its entries do not count. */
  readonly given?: Action;
  readonly action: Action;
  /** The entries of the action, and how many of each. Those of `ignored` types do not count. */
  readonly entries: Readonly<Record<string, number>>;
  /** The entries that the same request adds when it is sent again. */
  readonly again?: Readonly<Record<string, number>>;
}

const broken = new SallyportError('MACHINE_FAILED', 'It is broken.');
const sessionId = '00000000-0000-4000-8000-00000000000a';
const promptId = '00000000-0000-4000-8000-00000000000b';
const ignored = new Set(['login.phase', 'credential.injected', 'machine.state browser', 'machine.state stopping']);
const hibernates = { features: { hibernate: true } };

const login: Action = ({ app }) =>
  app.logins.start({ sessionId, userId, externalId: null, provider: 'fake', method: undefined });
const finish: Action = async (world) => {
  (await agentOf(world, sessionId)).offer('fake', credential(2));
  await ended(world, sessionId);
};
const prompt: Action = (world) => runPrompt(world, { promptId });
const connected: Action = (world) => connect(world);
const running: Action = async (world) => {
  await connect(world);
  await runPrompt(world);
};
const machineOf = async ({ store }: World): Promise<string> =>
  (await store.machines.list({ userId })).find(({ role }) => role === 'cli')?.machineId ?? '';
const machine =
  (action: 'hibernate' | 'wake' | 'destroy'): Action =>
  async (world) =>
    world.app.machines[action](userId, await machineOf(world));
const hibernating: Action = async (world) => {
  await running(world);
  await machine('hibernate')(world);
};
const erase: Action = ({ app }) => app.users.erase(userId);
const disconnect: Action = ({ app }) => app.credentials.disconnect(userId, 'fake');
const failing =
  (step: 'create' | 'destroy' | 'hibernate', action: Action): Action =>
  async (world) => {
    world.fake.failAt(step, broken, 5);
    await action(world);
  };
/** The first call of a method of the store fails. */
const withoutStore =
  (break_: (world: World, error: Error) => void, action: Action): Action =>
  async (world) => {
    break_(world, new SallyportError('STORE_UNAVAILABLE', 'The database does not answer.'));
    await action(world);
  };

/** The machine on which a CLI logs out at its vendor. */
const logout = { 'machine.state running': 1, 'machine.state stopped': 1 };
const destroyed = { 'machine.state stopped': 1, 'machine.state destroyed': 1 };

const cases: readonly Case[] = [
  {
    what: 'a login that is completed',
    action: async (world) => {
      await login(world);
      await finish(world);
    },
    entries: { 'login.started': 1, 'credential.stored': 1, 'login.completed': 1 },
  },
  {
    what: 'a login that fails',
    action: async (world) => {
      world.failEgress(new SallyportError('EGRESS_FAILED', 'There is no egress.'));
      await login(world);
      await ended(world, sessionId);
    },
    entries: { 'login.started': 1, 'login.failed': 1 },
  },
  {
    what: 'a login that is cancelled',
    given: login,
    action: ({ app }) => app.logins.cancel(sessionId),
    entries: { 'login.cancelled': 1 },
    again: {},
  },
  { what: 'an import', action: connected, entries: { 'credential.stored': 1 }, again: {} },
  {
    what: 'an import that fails',
    action: withoutStore(({ store }, error) => (store.credentials.append = () => Promise.reject(error)), connected),
    entries: { 'credential.import-failed': 1 },
  },
  {
    what: 'an import that is refused',
    action: ({ app }) =>
      app.credentials.import({ userId, externalId: null, provider: 'fake', files: { auth: `{"${canary}":1}` } }),
    entries: {},
  },
  {
    what: 'a disconnect',
    given: connected,
    action: disconnect,
    entries: { ...logout, 'credential.erased': 1 },
    again: {},
  },
  {
    what: 'a disconnect that is sent twice at once',
    given: connected,
    action: (world) => Promise.allSettled([disconnect(world), disconnect(world)]),
    entries: { ...logout, 'credential.erased': 1 },
  },
  {
    what: 'a disconnect that fails before it has deleted the credential',
    given: connected,
    action: withoutStore(({ store }, error) => (store.credentials.erase = () => Promise.reject(error)), disconnect),
    entries: { ...logout, 'credential.erase-failed': 1 },
  },
  {
    what: 'a disconnect that fails when it has deleted the credential',
    given: connected,
    action: withoutStore(({ store }, error) => (store.history.erase = () => Promise.reject(error)), disconnect),
    entries: { ...logout, 'credential.erased': 1 },
    again: {},
  },
  {
    what: 'a prompt on a new machine',
    given: connected,
    action: prompt,
    entries: { 'prompt.started': 1, 'machine.state running': 1, 'prompt.ended': 1 },
  },
  {
    what: 'a prompt whose machine cannot be created',
    given: connected,
    action: failing('create', prompt),
    entries: { 'prompt.started': 1, 'machine.state destroyed': 1, 'prompt.ended': 1 },
  },
  {
    what: 'hibernating a machine',
    options: hibernates,
    given: running,
    action: machine('hibernate'),
    entries: { 'machine.state hibernated': 1 },
    again: {},
  },
  {
    what: 'hibernating a machine that cannot',
    options: hibernates,
    given: running,
    action: failing('hibernate', machine('hibernate')),
    entries: { 'machine.state stopped': 1, 'machine.action-failed': 1 },
    again: {},
  },
  {
    what: 'waking a machine',
    options: hibernates,
    given: hibernating,
    action: machine('wake'),
    entries: { 'machine.state running': 1 },
    again: {},
  },
  {
    what: 'destroying a machine',
    given: running,
    action: machine('destroy'),
    entries: destroyed,
    again: {},
  },
  {
    what: 'destroying a machine, twice at once',
    given: running,
    action: (world) => Promise.allSettled([machine('destroy')(world), machine('destroy')(world)]),
    entries: destroyed,
  },
  {
    what: 'destroying a machine that resists',
    given: running,
    action: failing('destroy', machine('destroy')),
    entries: { 'machine.state stopped': 1, 'machine.action-failed': 1 },
  },
  {
    what: 'deleting a user',
    given: running,
    action: erase,
    entries: { ...destroyed, 'user.erased': 1 },
    again: {},
  },
  {
    what: 'deleting a user, twice at once',
    given: connected,
    action: (world) => Promise.all([erase(world), erase(world)]),
    entries: { ...logout, ...destroyed, 'user.erased': 1 },
  },
  {
    what: 'deleting a user that fails',
    given: connected,
    action: withoutStore(({ store }, error) => (store.history.erase = () => Promise.reject(error)), erase),
    entries: { ...logout, ...destroyed, 'user.erase-failed': 1 },
  },
  {
    what: 'noticing that a provider was switched off and on, which the command has written down',
    action: async (world) => {
      await world.store.providerSwitches.set('fake', true);
      await world.app.start();
      await world.app.close();
    },
    entries: {},
  },
];

describe('the audit log has', () => {
  it.each(cases)('one entry for each part of $what', async ({ options, given, action, entries, again }) => {
    const world = createWorld(options);
    await given?.(world);
    const added = counter(world);
    await added();
    await action(world).catch(() => undefined);
    expect(await added()).toEqual(entries);
    if (again) {
      await action(world).catch(() => undefined);
      expect(await added()).toEqual(again);
    }
    expect(JSON.stringify(await world.store.audit.list({ limit: 1000 }))).not.toContain(canary);
    const told = world.events.filter(({ type }) => isAuditedByServer(type));
    expect((await world.store.audit.list({ limit: 1000 })).length).toBe(told.length);
    await world.app.close();
  });
});

/** Counts the entries that were added since the last call. */
function counter({ store }: World): () => Promise<Readonly<Record<string, number>>> {
  let seen = 0;
  return async () => {
    await settle();
    const entries = (await store.audit.list({ limit: 1000 })).toReversed();
    const counts: Record<string, number> = {};
    for (const { type, data } of entries.slice(seen)) {
      const state = data['role'] === 'browser' ? 'browser' : String(data['state']);
      const name = type === 'machine.state' ? `${type} ${state}` : type;
      if (!ignored.has(name)) counts[name] = (counts[name] ?? 0) + 1;
    }
    seen = entries.length;
    return counts;
  };
}

it('waits for its entries before the store may be closed', async () => {
  const world = createWorld();
  const append = world.store.audit.append.bind(world.store.audit);
  const written = Promise.withResolvers<void>();
  world.store.audit.append = async (entry) => {
    await written.promise;
    await append(entry);
  };
  await connect(world);
  await runPrompt(world);
  let closed = false;
  const closing = world.app.close().then(() => (closed = true));
  await settle();
  expect(closed).toBe(false);
  written.resolve();
  await closing;
  expect(await world.store.audit.list({ limit: 10, type: 'credential.injected' })).toHaveLength(1);
});
