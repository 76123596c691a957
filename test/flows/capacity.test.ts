import { resolveUserId } from '@sallyport/core';
import type { PromptEvent, Settings } from '@sallyport/core';
import { checkProperty } from '@sallyport/testkit';
import { array, asyncProperty, constantFrom, nat, record } from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  agentOf,
  createWorld,
  credential,
  ended,
  runPrompt,
  settle,
  signInUrl,
  startLogin,
  storeAway,
  until,
} from './world.ts';
import type { World, WorldOptions } from './world.ts';

const MINUTE = 60_000;
/** Memory of one CLI machine of the fake provider. */
const CLI_MB = 384;

const people = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => resolveUserId(`person-${index}`).userId);

function small(machines: number, more: Partial<Settings> = {}, options: WorldOptions = {}): World {
  const capacity = { memoryMb: machines * CLI_MB, vcpus: 64, spareAfterMs: MINUTE };
  return createWorld({ ...options, features: { hibernate: true }, settings: { capacity, ...more } });
}

async function connect(world: World, userId: string): Promise<void> {
  await world.app.credentials.import({ userId, externalId: null, provider: 'fake', files: credential(1) });
}

const prompt = (world: World, userId: string) => runPrompt(world, { userId });

const endOf = (events: readonly PromptEvent[]) => events.find((event) => event.type === 'prompt-end');
const remarks = (events: readonly PromptEvent[]) =>
  events.flatMap((event) => (event.type === 'machine' ? `${event.state}: ${event.message}` : []));

async function sleepers(world: World, users: readonly string[]): Promise<void> {
  for (const userId of users) {
    await connect(world, userId);
    await prompt(world, userId);
  }
  await settle();
  for (const { machineId, userId } of await world.store.machines.list())
    await world.app.machines.hibernate(userId, machineId);
}

describe('a host that is full', () => {
  it('refuses a machine with 429 and a time to come back, before anything is made or written', async () => {
    const world = small(1);
    const [ada = '', bob = ''] = people(2);
    await connect(world, ada);
    await connect(world, bob);
    await prompt(world, ada);
    const refused = world.app.prompts.start({ userId: bob, provider: 'fake', prompt: 'hello' });
    await expect(refused).rejects.toMatchObject({
      code: 'MACHINE_CAPACITY',
      status: 429,
      details: { retryAfterSeconds: expect.any(Number) },
    });
    expect(await world.store.machines.list()).toHaveLength(1);
    expect(endOf(await prompt(world, ada))).toMatchObject({ outcome: 'completed' });
  });

  it('puts the machine to sleep that was not used for the longest time', async () => {
    const world = small(2);
    const [ada = '', bob = '', cyd = ''] = people(3);
    for (const userId of [ada, bob]) {
      await connect(world, userId);
      await prompt(world, userId);
      await world.clock.advance(MINUTE);
    }
    await connect(world, cyd);
    expect(endOf(await prompt(world, cyd))).toMatchObject({ outcome: 'completed' });
    const states = Object.fromEntries((await world.store.machines.list()).map((row) => [row.userId, row.state]));
    expect(states).toEqual({ [ada]: 'hibernated', [bob]: 'running', [cyd]: 'running' });
    expect(world.app.machines.load()).toMatchObject({ running: 2, reserved: { memoryMb: 2 * CLI_MB } });
  });

  it('gives up a browser machine that nobody took yet, and makes no other', async () => {
    const world = createWorld({
      installed: ['fake'],
      settings: { capacity: { memoryMb: 1536 + CLI_MB - 1, vcpus: 64, spareAfterMs: MINUTE } },
    });
    const [ada = ''] = people(1);
    await connect(world, ada);
    world.app.warmPool.expect();
    await until(() => world.fake.machines.length === 1 && world.fake.newest('browser').boots.length === 1);
    world.fake.newest('browser').agent.emit({ type: 'desktop.ready' });
    await until(() => world.app.warmPool.ready() === 1);
    expect(endOf(await prompt(world, ada))).toMatchObject({ outcome: 'completed' });
    await world.clock.advance(MINUTE);
    expect(world.app.warmPool.ready()).toBe(0);
    expect(world.app.machines.load()).toMatchObject({ running: 1 });
  });

  it('leaves a machine asleep that it has no room to wake', async () => {
    const world = small(1);
    const [ada = '', bob = ''] = people(2);
    await sleepers(world, [ada]);
    await connect(world, bob);
    await prompt(world, bob);
    const row = (await world.store.machines.list({ userId: ada }))[0];
    await expect(world.app.machines.wake(ada, row?.machineId ?? '')).rejects.toMatchObject({
      code: 'MACHINE_CAPACITY',
    });
    expect((await world.store.machines.list({ userId: ada }))[0]?.state).toBe('hibernated');
    await world.clock.advance(MINUTE);
    expect(remarks(await prompt(world, ada))).toContain('waking: Your machine is being woken.');
  });

  it('says that a machine never fits, where it is larger than the host', async () => {
    const world = small(0.5);
    const [ada = ''] = people(1);
    await connect(world, ada);
    await expect(prompt(world, ada)).rejects.toMatchObject({ code: 'CONFIG_HOST_UNSUITABLE', retryable: false });
  });
});

describe('many wakes at once', () => {
  it('are done a few at a time, each user told where they stand', async () => {
    const world = small(50, { queue: { atOnce: 8, maxWaiting: 100, waitMs: MINUTE } });
    const users = people(50);
    await sleepers(world, users);
    let now = 0;
    let most = 0;
    world.fake.script.health = async () => {
      now += 1;
      most = Math.max(most, now);
      await settle();
      now -= 1;
    };
    const all = await Promise.all(users.map((userId) => prompt(world, userId)));
    expect(all.map((events) => endOf(events)?.outcome)).toEqual(users.map(() => 'completed'));
    expect(most).toBe(8);
    expect(all.flatMap(remarks).filter((remark) => remark.startsWith('queued'))).toContain(
      'queued: Waiting for a place: 3rd in line.',
    );
  });

  it('refuse the one too many with 429, and let one who gives up leave at once', async () => {
    const world = small(50, { queue: { atOnce: 1, maxWaiting: 1, waitMs: MINUTE } });
    const [ada = '', bob = '', cyd = ''] = people(3);
    await sleepers(world, [ada, bob, cyd]);
    const release = world.fake.holdAt('wake');
    const first = prompt(world, ada);
    await until(() => world.app.machines.load().underWay === 1);
    const { promptId } = await world.app.prompts.start({ userId: bob, provider: 'fake', prompt: 'hello' });
    await until(() => world.app.machines.load().waiting === 1);
    await expect(prompt(world, cyd)).rejects.toMatchObject({ code: 'MACHINE_CAPACITY' });
    await world.app.prompts.cancel(promptId);
    expect((await world.app.prompts.get(promptId)).status).toBe('cancelled');
    expect(world.app.machines.load().waiting).toBe(0);
    expect((await world.store.machines.list({ userId: bob }))[0]?.state).toBe('hibernated');
    release();
    expect(endOf(await first)).toMatchObject({ outcome: 'completed' });
  });

  it('refuse a prompt in its stream where the wait is too long, and leave the machine asleep', async () => {
    const world = small(50, { queue: { atOnce: 1, maxWaiting: 5, waitMs: MINUTE } });
    const [ada = '', bob = ''] = people(2);
    await sleepers(world, [ada, bob]);
    const release = world.fake.holdAt('wake');
    const first = prompt(world, ada);
    await until(() => world.app.machines.load().underWay === 1);
    const second = prompt(world, bob);
    await until(() => world.app.machines.load().waiting === 1);
    await world.clock.advance(MINUTE);
    const refused = await second;
    expect(remarks(refused).at(-1)).toBe('queued: Waiting for a place: 1st in line.');
    expect(endOf(refused)).toMatchObject({ outcome: 'failed', code: 'MACHINE_CAPACITY' });
    expect((await world.store.machines.list({ userId: bob }))[0]?.state).toBe('hibernated');
    expect(world.app.machines.load()).toMatchObject({ waiting: 0, underWay: 1 });
    release();
    expect(endOf(await first)).toMatchObject({ outcome: 'completed' });
    expect(endOf(await prompt(world, bob))).toMatchObject({ outcome: 'completed' });
  });

  it('serve a prompt whose turn comes just before the wait is too long', async () => {
    const world = small(50, { queue: { atOnce: 1, maxWaiting: 5, waitMs: MINUTE } });
    const [ada = '', bob = ''] = people(2);
    await sleepers(world, [ada, bob]);
    const release = world.fake.holdAt('wake');
    const first = prompt(world, ada);
    await until(() => world.app.machines.load().underWay === 1);
    const second = prompt(world, bob);
    await until(() => world.app.machines.load().waiting === 1);
    await world.clock.advance(MINUTE - 1);
    release();
    await first;
    expect(endOf(await second)).toMatchObject({ outcome: 'completed' });
  });
});

describe('machines that were last used at the same moment', () => {
  it('hibernate one after the other', async () => {
    let draws = 0;
    const world = small(50, { idleMs: 5 * MINUTE, idleJitter: 0.2 }, { random: () => (draws++ % 10) / 10 });
    await world.app.start();
    for (const userId of people(10)) {
      await connect(world, userId);
      await prompt(world, userId);
    }
    const asleep = async (): Promise<number> =>
      (await world.store.machines.list()).filter(({ state }) => state === 'hibernated').length;
    const seen = new Set<number>();
    await world.clock.advance(5 * MINUTE - 15_000);
    expect(await asleep()).toBe(0);
    for (let at = 0; at < 6; at += 1) {
      await world.clock.advance(15_000);
      await settle();
      seen.add(await asleep());
    }
    expect(await asleep()).toBe(10);
    expect(seen.size).toBeGreaterThanOrEqual(4);
    await world.app.close();
  });
});

it('has a place reserved for each machine that runs and for no other, whatever fails', async () => {
  const step = record({
    who: nat({ max: 2 }),
    what: constantFrom('prompt', 'hibernate', 'destroy', 'login', 'crash', 'cancel', 'idle' as const),
    failing: constantFrom(undefined, 'create', 'start', 'wake', 'stop', 'destroy', 'hibernate', 'inject' as const),
  });
  await checkProperty(
    asyncProperty(array(step, { maxLength: 12 }), async (steps) => {
      const world = small(6);
      const users = people(3);
      await world.app.start();
      for (const userId of users) await connect(world, userId);
      for (const { who, what, failing } of steps) {
        const userId = users[who] ?? '';
        if (failing) world.fake.failAt(failing, storeAway());
        const machineId = (await world.store.users.get(userId))?.machineId ?? 'm-none';
        if (what === 'prompt') await prompt(world, userId).catch(() => undefined);
        if (what === 'hibernate') await world.app.machines.hibernate(userId, machineId).catch(() => undefined);
        if (what === 'destroy') await world.app.machines.destroy(userId, machineId).catch(() => undefined);
        if (what === 'crash') world.fake.machines.find(({ machine }) => machine.id === machineId)?.crash();
        if (what === 'idle') await world.clock.advance(10 * MINUTE);
        if (what === 'login') await signIn(world);
        if (what === 'cancel') {
          const begun = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'x' }).catch(() => undefined);
          if (begun) await world.app.prompts.cancel(begun.promptId);
        }
        await settle();
      }
      // What resisted was left for the next reconciling.
      for (const failing of steps.flatMap((each) => each.failing ?? [])) world.fake.failAt(failing, undefined, 0);
      await world.clock.advance(2 * MINUTE);
      await settle();
      const running = world.fake.machines.filter((machine) => machine.running);
      const { running: places, reserved } = world.app.machines.load();
      expect(places).toBe(running.length);
      expect(reserved.memoryMb).toBe(running.reduce((sum, { plan }) => sum + plan.memoryMb, 0));
      await world.app.close();
    }),
    { runs: 40, endOnFailure: true },
  );
});

/** A login of the first user, by a way that needs no desktop. */
async function signIn(world: World): Promise<void> {
  const { sessionId } = await startLogin(world, 'browser:local');
  const agent = await agentOf(world, sessionId).catch(() => undefined);
  agent?.emit({ type: 'login.url', sessionId, url: signInUrl });
  agent?.offer('fake', credential(2));
  await ended(world, sessionId);
}
