import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { Store } from '@sallyport/core/store';
import { createFakeDriver } from '@sallyport/testkit';
import type { FakeDriver } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { createFuse } from './fuse.ts';
import type { Fuse } from './fuse.ts';
import {
  agentOf,
  connect,
  createWorld,
  credential,
  ended,
  outcomeOf,
  runPrompt,
  settle,
  signInUrl,
  startLogin,
  userId,
} from './world.ts';
import type { World } from './world.ts';

interface Scenario {
  readonly name: string;
  readonly prepare: (world: World) => Promise<void>;
  readonly act: (world: World) => Promise<unknown>;
}

const scenarios: readonly Scenario[] = [
  { name: 'creating, injecting and booting a first machine', prepare: (world) => connect(world), act: prompt },
  {
    name: 'injecting a newer login into a machine that hibernates, and booting it',
    prepare: async (world) => {
      await asleep(world);
      await connect(world, 2);
    },
    act: prompt,
  },
  { name: 'hibernating', prepare: awake, act: (world) => onMachine(world, 'hibernate') },
  { name: 'waking', prepare: asleep, act: prompt },
  { name: 'destroying a machine that runs', prepare: awake, act: (world) => onMachine(world, 'destroy') },
  { name: 'destroying a machine that hibernates', prepare: asleep, act: (world) => onMachine(world, 'destroy') },
  {
    name: 'disconnecting',
    prepare: asleep,
    act: (world) => world.app.credentials.disconnect(userId, 'fake'),
  },
  { name: 'logging in with a browser machine', prepare: async () => undefined, act: signIn },
];

/** A server on this store and host that does the scenario, and is killed by the fuse where it has one. */
async function run({ prepare, act }: Scenario, fuse: Fuse, store: Store, fake: FakeDriver): Promise<void> {
  const fused = { ...fake, driver: fuse.driver(fake.driver) };
  const world = createWorld({ store: fuse.store(store), fake: fused });
  await prepare(world);
  await settle();
  fuse.arm();
  const acted = act(world).then(settle);
  acted.catch(() => undefined);
  await Promise.race([acted, fuse.blown]);
  await settle();
}

const newHost = () => ({
  store: createMemoryStore({ clock: systemClock }),
  fake: createFakeDriver({ hibernate: true }),
});

for (const scenario of scenarios) {
  const dry = createFuse();
  const host = newHost();
  await run(scenario, dry, host.store, host.fake);

  describe(`a server that is killed while ${scenario.name}`, () => {
    it.each(dry.steps.map((step, index) => ({ step, index })))('$step ($index)', async ({ index }) => {
      const { store, fake } = newHost();
      const fuse = createFuse(index);
      await run(scenario, fuse, store, fake);
      expect(fuse.steps.length).toBe(index + 1);

      const next = createWorld({ store, fake });
      await next.app.start();
      await settle();
      expect(await disorder(next)).toEqual([]);
      const before = await stateOf(next);
      const told = next.events.length;
      await next.clock.advance(60_000);
      await settle();
      const again = createWorld({ store, fake });
      await again.app.start();
      expect(await stateOf(next)).toEqual(before);
      expect([next.events.length, again.events.length]).toEqual([told, 0]);
      expect(next.reported).toEqual([]);

      // The user can go on: with the login they had, or with a new one where there was none or its logout had begun.
      const left = await store.credentials.current(userId, 'fake');
      if (!left || (isDisconnecting(scenario) && !left.valid)) await connect(again, 9);
      expect((await store.credentials.current(userId, 'fake'))?.valid).toBe(true);
      expect(await prompt(again)).toBe('completed');
      expect(again.app.machines.load()).toMatchObject({ waiting: 0, running: 1 });
    });
  });
}

function isDisconnecting({ name }: Scenario): boolean {
  return name === 'disconnecting';
}

/** Whatever is left that belongs to nothing. */
async function disorder(world: World): Promise<readonly string[]> {
  const { store, fake, app } = world;
  const rows = (await store.machines.list()).filter(({ state }) => state !== 'destroyed' && state !== 'lost');
  const onHost = (await fake.driver.list()).map(({ machineId }) => machineId);
  const holder = await store.credentials.holder(userId, 'fake');
  const current = (await store.users.get(userId))?.machineId;
  const known = new Map((await store.machines.list()).map((row) => [row.machineId, row]));
  const { running, reserved, waiting, underWay } = app.machines.load();
  return [
    ...(await world.leftovers()),
    ...onHost.filter((id) => !rows.some(({ machineId }) => machineId === id)).map((id) => `${id} has no row`),
    ...rows.filter(({ machineId }) => !onHost.includes(machineId)).map((row) => `${row.machineId} is not there`),
    ...rows.filter(({ state }) => !['stopped', 'hibernated'].includes(state)).map((row) => `a row says ${row.state}`),
    ...(holder && !onHost.includes(holder.machineId) ? ['a machine that is gone has the lease'] : []),
    ...(current && known.get(current)?.state === 'destroyed' ? ['a user has a machine that was destroyed'] : []),
    ...(await store.sessions.live()).map(({ phase }) => `a login is in phase ${phase}`),
    ...(await store.prompts.running()).map(() => 'a prompt runs'),
    ...(running + reserved.memoryMb + waiting + underWay > 0 ? ['a place is reserved'] : []),
  ];
}

async function stateOf({ store, fake }: World) {
  return {
    rows: await store.machines.list(),
    user: await store.users.get(userId),
    credentials: await store.credentials.list(userId),
    holder: await store.credentials.holder(userId, 'fake'),
    host: await fake.driver.list(),
  };
}

async function prompt(world: World): Promise<string | undefined> {
  return outcomeOf(await runPrompt(world));
}

async function awake(world: World): Promise<void> {
  await connect(world);
  await prompt(world);
}

async function asleep(world: World): Promise<void> {
  await awake(world);
  await settle();
  await onMachine(world, 'hibernate');
}

async function onMachine(world: World, what: 'hibernate' | 'destroy'): Promise<void> {
  const machineId = (await world.store.users.get(userId))?.machineId ?? '';
  await world.app.machines[what](userId, machineId);
}

async function signIn(world: World): Promise<void> {
  const { sessionId } = await startLogin(world);
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  agent.offer('fake', credential(1));
  await ended(world, sessionId);
}
