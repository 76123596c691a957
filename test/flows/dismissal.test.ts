import { resolveUserId } from '@sallyport/core';
import type { PromptEvent } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { createWorld, credential, runPrompt, settle, until } from './world.ts';
import type { World } from './world.ts';

const [ada = '', bob = ''] = ['ada', 'bob'].map((name) => resolveUserId(name).userId);

async function connect({ app }: World, userId: string, provider = 'fake'): Promise<void> {
  await app.credentials.import({ userId, externalId: null, provider, files: credential(1) });
}

async function prompt(world: World, userId: string, provider = 'fake'): Promise<PromptEvent | undefined> {
  return (await runPrompt(world, { userId, provider })).at(-1);
}

const machineOf = async ({ store }: World, userId: string): Promise<string> =>
  (await store.users.get(userId))?.machineId ?? '';

interface FullHost {
  readonly world: World;
  /** Lets the machine come up that everybody waits for. */
  readonly letGo: () => void;
}

/** Only one machine is started at a time, and Bob's is, and comes to no end. */
async function fullHost(prepare: (world: World) => Promise<void>): Promise<FullHost> {
  const world = createWorld({
    features: { hibernate: true },
    settings: { queue: { atOnce: 1, maxWaiting: 10, waitMs: 120_000 } },
  });
  await prepare(world);
  await connect(world, bob);
  const letGo = world.fake.holdAt('start');
  void prompt(world, bob);
  await until(() => world.app.machines.load().underWay === 1, 'a machine is being started');
  return { world, letGo };
}

async function asleep(world: World): Promise<void> {
  await connect(world, ada);
  await prompt(world, ada);
  await settle();
  await world.app.machines.hibernate(ada, await machineOf(world, ada));
}

/** Prompts of Ada's that stand in line for her machine. */
async function waiting(world: World, providers: readonly string[]) {
  const ends = providers.map((provider) => prompt(world, ada, provider));
  await until(() => world.app.machines.load().waiting === 1, 'a machine waits to be started');
  await settle();
  return ends;
}

describe('a machine that waits to be woken', () => {
  it('is destroyed at once, and everybody who waited for it is told', async () => {
    const { world, letGo } = await fullHost(asleep);
    const machineId = await machineOf(world, ada);
    const ends = await waiting(world, ['fake', 'fake']);
    await world.app.machines.destroy(ada, machineId);
    const message = `Machine ${machineId} was destroyed while this waited for it to be started.`;
    for (const end of ends) expect(await end).toMatchObject({ outcome: 'failed', code: 'MACHINE_FAILED', message });
    expect((await world.store.machines.get(machineId))?.state).toBe('destroyed');
    expect(world.app.machines.load()).toMatchObject({ waiting: 0, underWay: 1 });
    letGo();
    expect(await prompt(world, ada)).toMatchObject({ outcome: 'completed' });
    expect(await machineOf(world, ada)).not.toBe(machineId);
  });

  it('is disconnected at once, and everybody who waited for that login is told', async () => {
    const { world, letGo } = await fullHost(asleep);
    const ends = await waiting(world, ['fake', 'fake']);
    await world.app.credentials.disconnect(ada, 'fake');
    const told = {
      outcome: 'failed',
      code: 'CREDENTIAL_NOT_CONNECTED',
      message: expect.stringContaining('was disconnected while'),
    };
    for (const end of ends) expect(await end).toMatchObject(told);
    const machine = await machineOf(world, ada);
    expect(world.fake.machines.find(({ plan }) => plan.machineId === machine)?.home('fake').size).toBe(0);
    expect(world.app.machines.load()).toMatchObject({ waiting: 0, underWay: 1 });
    letGo();
  });

  it('is disconnected from one provider at once, and waits for the users of another', async () => {
    const { world, letGo } = await fullHost(async (fresh) => {
      await connect(fresh, ada, 'other');
      await asleep(fresh);
    });
    const [end] = await waiting(world, ['other']);
    await world.app.credentials.disconnect(ada, 'fake');
    await until(() => world.app.machines.load().waiting === 1, 'the machine waits again');
    letGo();
    expect(await end).toMatchObject({ outcome: 'completed' });
  });
});

it('a first machine that waits to be made is destroyed at once', async () => {
  const { world, letGo } = await fullHost((fresh) => connect(fresh, ada));
  const [end] = await waiting(world, ['fake']);
  const machineId = await machineOf(world, ada);
  await world.app.machines.destroy(ada, machineId);
  expect(await end).toMatchObject({ outcome: 'failed', code: 'MACHINE_FAILED' });
  expect((await world.store.machines.get(machineId))?.state).toBe('destroyed');
  expect(await world.store.credentials.holder(ada, 'fake')).toBeUndefined();
  letGo();
  expect(await prompt(world, ada)).toMatchObject({ outcome: 'completed' });
});

it('another machine of the same user is destroyed without anybody being sent away', async () => {
  const { world, letGo } = await fullHost(asleep);
  const [end] = await waiting(world, ['fake']);
  const row = await world.store.machines.get(await machineOf(world, ada));
  if (!row) throw new Error('The machine has no row.');
  await world.store.machines.create({ ...row, machineId: 'm-old' });
  const destroying = world.app.machines.destroy(ada, 'm-old');
  await settle();
  letGo();
  expect(await end).toMatchObject({ outcome: 'completed' });
  await destroying;
});

it('a machine that is being started is started to its end before it is destroyed', async () => {
  const world = createWorld({ features: { hibernate: true } });
  await connect(world, ada);
  const letGo = world.fake.holdAt('start');
  const end = prompt(world, ada);
  await until(() => world.app.machines.load().underWay === 1, 'the machine is being started');
  const destroying = world.app.machines.destroy(ada, await machineOf(world, ada));
  await settle();
  expect(world.fake.newest('cli').destroyed).toBe(false);
  letGo();
  await destroying;
  expect(world.fake.newest('cli').destroyed).toBe(true);
  await end;
});
