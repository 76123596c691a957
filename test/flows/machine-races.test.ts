import type { PromptEvent } from '@sallyport/core';
import { expect, it } from 'vitest';

import {
  agentOf,
  connect,
  createWorld,
  credential,
  ended,
  runPrompt,
  settle,
  signInUrl,
  startLogin,
  storeAway,
  until,
  userId,
} from './world.ts';
import type { World } from './world.ts';

const path = '~/.fake/auth.json';

const prompt = async (world: World): Promise<PromptEvent | undefined> => (await runPrompt(world)).at(-1);

/** Prompts go on until the returned function is called or their machine ends. */
function holdPrompts({ fake }: World): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  fake.script.execute = async function* (_request, _agent, signal) {
    await Promise.race([promise, new Promise((_resolve, reject) => signal.addEventListener('abort', reject))]);
    yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
    yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
  };
  return resolve;
}

/** A user whose machine has run a prompt. */
async function awake(): Promise<World> {
  const world = createWorld({ features: { hibernate: true } });
  await world.app.start();
  await connect(world);
  await prompt(world);
  await settle();
  return world;
}

async function asleep(): Promise<World> {
  const world = await awake();
  await world.app.machines.hibernate(userId, world.fake.newest('cli').machine.id);
  return world;
}

const underWay = (world: World) => until(() => world.app.machines.load().underWay === 1, 'the machine is in work');
const rowOf = (world: World) => world.store.machines.get(world.fake.newest('cli').machine.id);

it('a machine that is started for a prompt does not hibernate under it', async () => {
  const world = createWorld({ features: { hibernate: true } });
  await connect(world);
  const finish = holdPrompts(world);
  const release = world.fake.holdAt('start');
  const prompted = prompt(world);
  await until(() => world.fake.machines.some(({ log }) => log.includes('start')), 'the machine is being started');
  const machine = world.fake.newest('cli');
  const hibernated = world.app.machines.hibernate(userId, machine.machine.id);
  await settle();
  expect(machine.log).not.toContain('hibernate');
  release();
  await expect(hibernated).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
  finish();
  expect(await prompted).toMatchObject({ type: 'prompt-end', outcome: 'completed' });
  expect(machine.log).not.toContain('hibernate');
});

it('a machine that is destroyed while it wakes is woken first and then goes, with its place and not with the login', async () => {
  const world = await asleep();
  const machine = world.fake.newest('cli');
  holdPrompts(world);
  const release = world.fake.holdAt('wake');
  const prompted = prompt(world);
  await underWay(world);
  const destroyed = world.app.machines.destroy(userId, machine.machine.id);
  await settle();
  expect(machine.destroyed).toBe(false);
  release();
  await destroyed;
  expect(await prompted).toMatchObject({ type: 'prompt-end', outcome: 'failed' });
  expect(machine.destroyed).toBe(true);
  expect(await world.store.machines.get(machine.machine.id)).toMatchObject({ state: 'destroyed' });
  expect(world.app.machines.load()).toMatchObject({ running: 0, waiting: 0, underWay: 0 });
  expect(await world.store.credentials.holder(userId, 'fake')).toBeUndefined();
  expect(await world.leftovers()).toEqual([]);
  delete world.fake.script.execute;
  expect(await prompt(world)).toMatchObject({ outcome: 'completed' });
  expect(world.fake.newest('cli').machine.id).not.toBe(machine.machine.id);
});

it('a login that is disconnected while its machine wakes is gone from the disk and the store', async () => {
  const world = await asleep();
  const machine = world.fake.newest('cli');
  const release = world.fake.holdAt('wake');
  const prompted = prompt(world);
  await underWay(world);
  const disconnected = world.app.credentials.disconnect(userId, 'fake');
  await settle();
  expect(machine.home('fake').has(path)).toBe(true);
  release();
  await disconnected;
  expect(await prompted).toMatchObject({ type: 'prompt-end' });
  expect(machine.home('fake').size).toBe(0);
  expect(machine.running).toBe(false);
  expect(await world.store.credentials.current(userId, 'fake')).toBeUndefined();
  expect(await rowOf(world)).toMatchObject({ state: 'stopped', injected: {} });
  await expect(prompt(world)).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
});

it('a login that ends well while the machine goes to sleep is what the next prompt runs with', async () => {
  const world = await awake();
  const machine = world.fake.newest('cli');
  const release = world.fake.holdAt('hibernate');
  const hibernated = world.app.machines.hibernate(userId, machine.machine.id);
  await until(() => machine.log.includes('hibernate'), 'the machine is going to sleep');
  const { sessionId } = await startLogin(world, 'browser:local');
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  agent.offer('fake', credential(5));
  expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
  release();
  await hibernated;
  expect(machine.hibernated).toBe(true);
  expect(await prompt(world)).toMatchObject({ outcome: 'completed' });
  expect(machine.log).not.toContain('wake');
  expect(machine.home('fake').get(path)?.content).toBe(credential(5).auth);
});

it('a machine whose row cannot say that it runs is taken down, and the prompt is told', async () => {
  const world = createWorld();
  await connect(world);
  const { machines } = world.store;
  const real = { ...machines };
  machines.update = async (machineId, change) => {
    if (change.state === 'running') throw storeAway();
    await real.update(machineId, change);
  };
  expect(await prompt(world)).toMatchObject({ outcome: 'failed', code: 'STORE_UNAVAILABLE' });
  await settle();
  expect(world.fake.newest('cli').running).toBe(false);
  expect((await rowOf(world))?.state).toBe('stopped');
  Object.assign(machines, real);
  expect(await prompt(world)).toMatchObject({ outcome: 'completed' });
});
