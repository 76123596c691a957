import { SallyportError } from '@sallyport/core';
import type { PromptEvent } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, credential, runPrompt, settle, until, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const path = '~/.fake/auth.json';
const held = (issuedAt: number) => ({ path, content: credential(issuedAt).auth, mode: 0o600 });
const sleeping = (options: WorldOptions = {}): World => createWorld({ ...options, features: { hibernate: true } });

const outcome = (events: readonly PromptEvent[]) =>
  events.flatMap((each) => (each.type === 'prompt-end' ? each.outcome : []));
const remarks = (events: readonly PromptEvent[]) => [
  ...new Set(events.flatMap((each) => (each.type === 'machine' ? each.state : []))),
];
const inState = (world: World, state: string) => async () =>
  (await world.store.machines.list()).some((row) => row.role === 'cli' && row.state === state);
const stored = async (world: World) => (await world.store.credentials.current(userId, 'fake'))?.version;

/** A user whose machine has run a prompt. */
async function awake(options: WorldOptions = {}): Promise<World> {
  const world = sleeping(options);
  await world.app.start();
  await connect(world);
  await runPrompt(world);
  await settle();
  return world;
}

/** One whose machine was then not used for long enough. */
async function asleep(options: WorldOptions = {}, meanwhile: (world: World) => void = () => {}): Promise<World> {
  const world = await awake(options);
  meanwhile(world);
  await world.clock.advance(6 * 60_000);
  await until(inState(world, 'hibernated'), 'the machine to hibernate');
  return world;
}

describe('a machine that nobody uses', () => {
  it('hibernates, keeps its login, and closes its egress', async () => {
    const world = await asleep();
    expect(world.fake.newest('cli')).toMatchObject({ running: false, hibernated: true });
    expect(await world.store.credentials.holder(userId, 'fake')).toMatchObject({
      machineId: world.fake.newest('cli').machine.id,
    });
    expect(await world.leftovers()).toEqual([]);
  });

  it('stores what its CLI rotated before it sleeps', async () => {
    const world = await asleep({}, ({ fake }) => fake.newest('cli').home('fake').set(path, held(2)));
    expect(await stored(world)).toBe(2);
  });

  it('ends the CLIs that wait for a prompt before its login is captured', async () => {
    const world = await asleep();
    const { calls } = world.fake.newest('cli').agent;
    const [waiting, capture] = ['endWaiting', 'capture fake'].map((name) => calls.lastIndexOf(name));
    expect(waiting).toBeGreaterThan(-1);
    expect(capture).toBeGreaterThan(waiting ?? 0);
  });

  it('is stopped and read where its login cannot be captured', async () => {
    const world = await awake();
    world.fake.newest('cli').home('fake').clear();
    await world.clock.advance(6 * 60_000);
    await until(inState(world, 'stopped'));
    expect(world.fake.newest('cli').log).not.toContain('hibernate');
  });

  it('is stopped and read where the snapshot cannot be taken', async () => {
    const world = await awake();
    world.fake.failAt('hibernate', new Error('The disk is full.'));
    await world.clock.advance(6 * 60_000);
    await until(inState(world, 'stopped'));
    expect(world.reported.join()).toContain('The disk is full.');
    expect(outcome(await runPrompt(world))).toEqual(['completed']);
  });
});

describe('the next prompt', () => {
  it('wakes the machine, says so, and touches no disk', async () => {
    const world = await asleep();
    const machine = world.fake.newest('cli');
    const before = machine.log.length;
    const events = await runPrompt(world);
    expect(remarks(events)).toEqual(['waking']);
    expect(outcome(events)).toEqual(['completed']);
    expect(machine.log.slice(before)).toEqual(['wake']);
    const [first, second] = machine.boots;
    expect(second?.epoch).toBeGreaterThan(first?.epoch ?? Infinity);
    expect(second?.token.reveal()).not.toBe(first?.token.reveal());
  });

  it('of eight at once wakes it once', async () => {
    const world = await asleep();
    const all = await Promise.all(Array.from({ length: 8 }, () => runPrompt(world)));
    expect(all.flatMap(outcome)).toEqual(Array.from({ length: 8 }, () => 'completed'));
    expect(world.fake.newest('cli').log.filter((entry) => entry === 'wake')).toHaveLength(1);
  });

  it('takes rotations in after it woke', async () => {
    const world = await asleep();
    await runPrompt(world);
    world.fake.newest('cli').agent.offer('fake', credential(3));
    await until(async () => (await stored(world)) === 2);
  });

  it('gives up the snapshot after a new login', async () => {
    const world = await asleep();
    await connect(world, 5);
    const events = await runPrompt(world);
    expect(remarks(events)).toEqual(['starting']);
    expect(outcome(events)).toEqual(['completed']);
    const machine = world.fake.newest('cli');
    expect(machine.log).not.toContain('wake');
    expect(machine.home('fake').get(path)?.content).toBe(credential(5).auth);
  });

  it('boots the machine where it does not wake, and says both', async () => {
    const world = await asleep();
    world.fake.failAt('wake', new SallyportError('MACHINE_FAILED', 'Another version took the snapshot.'));
    const events = await runPrompt(world);
    expect(remarks(events)).toEqual(['waking', 'starting']);
    expect(outcome(events)).toEqual(['completed']);
    expect(world.fake.newest('cli').log.slice(-4)).toContain('start');
    expect(world.reported.join()).toContain('Another version took the snapshot.');
  });
});

describe('a machine that hibernates', () => {
  it('sleeps on through a restart of the server, and wakes for the next one', async () => {
    const world = await asleep();
    await world.app.close();
    const { fake, store } = world;
    const next = createWorld({ fake, store });
    await next.app.start();
    await next.app.start();
    expect(fake.newest('cli').hibernated).toBe(true);
    expect(remarks(await runPrompt(next))).toEqual(['waking']);
  });

  it('is stopped at a restart when the server ended before it noted that it sleeps', async () => {
    const world = await asleep();
    const { id } = world.fake.newest('cli').machine;
    await world.app.close();
    await world.store.machines.update(id, { state: 'stopping' });
    const next = createWorld({ fake: world.fake, store: world.store });
    await next.app.start();
    expect(await inState(next, 'stopped')()).toBe(true);
    expect(world.fake.newest('cli').hibernated).toBe(false);
  });

  it('gives the login up when the user disconnects', async () => {
    const world = await asleep();
    await world.app.credentials.disconnect(userId, 'fake');
    expect(world.fake.newest('cli').home('fake').size).toBe(0);
    expect(await inState(world, 'stopped')()).toBe(true);
  });

  it('can be destroyed', async () => {
    const world = await asleep();
    const { id } = world.fake.newest('cli').machine;
    await world.app.machines.destroy(userId, id);
    expect(world.fake.newest('cli').destroyed).toBe(true);
    expect(await stored(world)).toBe(1);
  });
});

describe('by request', () => {
  it('a machine hibernates and wakes; each is harmless twice', async () => {
    const world = await awake();
    const machine = world.fake.newest('cli');
    const { id } = machine.machine;
    await world.app.machines.hibernate(userId, id);
    await world.app.machines.hibernate(userId, id);
    expect(machine.hibernated).toBe(true);
    await world.app.machines.wake(userId, id);
    await world.app.machines.wake(userId, id);
    expect(machine.running).toBe(true);
    expect(machine.log.filter((entry) => entry === 'wake')).toHaveLength(1);
  });

  it('a machine that runs a prompt does not hibernate', async () => {
    const world = sleeping();
    await connect(world);
    const over = Promise.withResolvers<void>();
    world.fake.script.execute = async function* () {
      await over.promise;
      yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
      yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
    };
    const running = runPrompt(world);
    await until(() => world.fake.machines.some(({ running: up, plan }) => up && plan.role === 'cli'));
    await until(inState(world, 'running'));
    const { id } = world.fake.newest('cli').machine;
    await expect(world.app.machines.hibernate(userId, id)).rejects.toMatchObject({ code: 'MACHINE_BUSY' });
    over.resolve();
    await running;
  });
});
