import { describe, expect, it } from 'vitest';

import {
  agentOf,
  canary,
  createWorld,
  credential,
  ended,
  settle,
  signInUrl,
  startLogin,
  until,
  userId,
} from './world.ts';
import type { World, WorldOptions } from './world.ts';

const KEEP_MS = 60_000;
const REFILL_MS = 5_000;

function createWarmWorld(options: WorldOptions = {}): World {
  const settings = { warmPool: { count: 1, keepMs: KEEP_MS, refillDelayMs: REFILL_MS }, ...options.settings };
  return createWorld({ installed: ['fake'], ...options, settings });
}

/** Opens the list of providers, and stays until a machine is ready. */
async function lookUntilReady(world: World): Promise<void> {
  world.app.warmPool.expect();
  await until(() => world.fake.machines.some(({ running }) => running), 'a machine is started ahead');
  world.fake.newest('browser').agent.emit({ type: 'desktop.ready' });
  await until(() => world.app.warmPool.ready() === 1, 'a machine is ready');
}

async function signIn(world: World): Promise<void> {
  const { sessionId } = await startLogin(world);
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  agent.offer('fake', credential(1));
  expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
}

describe('a browser machine that is started ahead', () => {
  it('belongs to nobody, reaches nothing, and has no row', async () => {
    const world = createWarmWorld();
    await lookUntilReady(world);
    expect(world.routes).toMatchObject({ opened: [], open: 1 });
    expect(await world.store.machines.list()).toEqual([]);
    expect(world.fake.newest('browser').plan.userId).toBe('00000000-0000-0000-0000-000000000000');
    await world.app.close();
    expect(await world.leftovers()).toEqual([]);
  });

  it('may take minutes to have its screen on a busy host', async () => {
    const world = createWarmWorld();
    world.app.warmPool.expect();
    await until(() => world.fake.machines.length === 1 && world.fake.newest('browser').boots.length === 1, 'it boots');
    await world.clock.advance(4 * 60_000);
    world.app.warmPool.expect();
    world.fake.newest('browser').agent.emit({ type: 'desktop.ready' });
    await until(() => world.app.warmPool.ready() === 1, 'it is ready');
    expect(world.reported).toEqual([]);
  });

  it('is taken by the next login, with the egress of that user, and removed with it', async () => {
    const world = createWarmWorld();
    await lookUntilReady(world);
    const { machineId } = world.fake.newest('browser').plan;
    await signIn(world);
    expect(world.fake.machines).toHaveLength(1);
    expect(world.routes.opened).toMatchObject([{ machineId, userId, purpose: 'sign-in', identity: { userId } }]);
    expect(await world.store.machines.get(machineId)).toMatchObject({ userId, state: 'destroyed' });
    expect(await world.leftovers()).toEqual([]);
    expect(JSON.stringify(world.events)).not.toContain(canary);
  });

  it('is followed by the next one, but only when the login that took it has had the processor for a while', async () => {
    const world = createWarmWorld();
    await lookUntilReady(world);
    await startLogin(world);
    await settle();
    expect(world.fake.machines).toHaveLength(1);
    await world.clock.advance(REFILL_MS);
    await until(() => world.fake.machines.length === 2, 'the next one is started');
    await world.app.close();
    expect(await world.leftovers()).toEqual([]);
  });

  it('is given up when nobody has looked for a while, and started again for the next who looks', async () => {
    const world = createWarmWorld();
    await lookUntilReady(world);
    await world.clock.advance(KEEP_MS - 1);
    world.app.warmPool.expect();
    await world.clock.advance(KEEP_MS - 1);
    expect(world.app.warmPool.ready()).toBe(1);
    await world.clock.advance(1);
    await until(async () => (await world.leftovers()).length === 0, 'it is given up');
    await lookUntilReady(world);
    await world.app.close();
  });

  it('is not taken for a provider whose CLI it does not have: that login starts a new one', async () => {
    const world = createWarmWorld({ installed: ['other'] });
    await lookUntilReady(world);
    await signIn(world);
    expect(world.fake.machines).toHaveLength(2);
    expect(world.fake.machines[0]).toMatchObject({ destroyed: true });
    expect(await world.leftovers()).toEqual([]);
  });

  it('is not taken where a plugin wants another kind of machine for this user', async () => {
    const world = createWarmWorld({
      plugins: [
        {
          name: 'more-memory',
          apply: ({ hooks }) =>
            hooks['machine.plan'].tap('more-memory', (plan) => ({ ...plan, memoryMb: plan.memoryMb + 256 })),
        },
      ],
    });
    await lookUntilReady(world);
    await signIn(world);
    expect(world.fake.machines).toMatchObject([{ destroyed: true }, { plan: { memoryMb: 1792 } }]);
    expect(await world.leftovers()).toEqual([]);
  });

  it('is not taken when it has died, and its place is filled again', async () => {
    const world = createWarmWorld();
    await lookUntilReady(world);
    world.fake.newest('browser').crash();
    await until(() => world.app.warmPool.ready() === 0, 'the death is noticed');
    await signIn(world);
    expect(world.fake.machines).toHaveLength(2);
    expect(await world.leftovers()).toEqual([]);
  });

  it('is removed with the login whose egress is refused', async () => {
    const world = createWarmWorld();
    await lookUntilReady(world);
    world.failEgress(new Error('The proxy is down.'));
    const { sessionId } = await startLogin(world, 'browser:desktop');
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'MACHINE_FAILED' });
    expect(await world.leftovers()).toEqual([]);
  });

  it('that does not start is reported once, tried again for the next who looks, and is in nobody’s way', async () => {
    const world = createWarmWorld();
    world.fake.failAt('start', new Error('There is no memory left.'));
    world.app.warmPool.expect();
    await until(() => world.reported.length > 0, 'the failure is reported');
    await world.clock.advance(KEEP_MS / 2);
    expect(world.reported).toEqual(['starting a browser machine ahead: There is no memory left.']);
    expect(await world.leftovers()).toEqual([]);
    await lookUntilReady(world);
    await world.app.close();
    expect(await world.leftovers()).toEqual([]);
  });

  it.each([
    ['the operator wants none', { settings: { warmPool: { count: 0, keepMs: KEEP_MS, refillDelayMs: 0 } } }],
    ['the host has no desktop', { features: { desktop: false } }],
    ['other ways to log in come first', { settings: { prefer: 'least-intrusive' as const } }],
    ['no CLI is installed', { installed: [] }],
  ])('is not started where %s', async (_why, options) => {
    const world = createWarmWorld(options);
    world.app.warmPool.expect();
    await world.clock.advance(KEEP_MS / 2);
    expect(world.fake.machines).toEqual([]);
  });
});
