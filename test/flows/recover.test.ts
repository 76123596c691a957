import { createFakeDriver } from '@sallyport/testkit';
import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import { describe, expect, it } from 'vitest';

import { agentOf, connect, createWorld, startLogin, until, userId } from './world.ts';

/** A server that went away in the middle of a login and a prompt, as its store and its host show it. */
async function crashedServer() {
  const store = createMemoryStore({ clock: systemClock });
  const fake = createFakeDriver();
  const world = createWorld({ store, fake });
  await connect(world);
  fake.script.execute = async function* (_request, _agent, signal) {
    yield { type: 'stdout', line: '{"type":"text","text":"x"}' };
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  };
  const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
  await until(async () => (await store.prompts.events(promptId, 0, 10)).some(({ event }) => event.type === 'text'));
  const { sessionId } = await startLogin(world);
  await agentOf(world, sessionId);
  const session = await store.sessions.get(sessionId);
  // What it wrote is copied to a second store, since the first server still lives in this process.
  const after = createMemoryStore({ clock: systemClock });
  const user = await store.users.get(userId);
  await after.users.ensure(userId, null);
  for (const row of await store.machines.list()) {
    await after.machines.create(row);
    await after.machines.update(row.machineId, { state: row.state, injected: row.injected });
  }
  await after.users.setMachine(userId, user?.machineId ?? null);
  if (!session) throw new Error('The session is gone.');
  await after.sessions.create({ ...session, host: 'local' });
  await after.sessions.update(
    sessionId,
    { status: session.status, phase: session.phase },
    { type: 'phase', status: session.status, phase: session.phase, message: '' },
  );
  const prompt = { promptId, userId, host: 'local', provider: 'fake' };
  await after.prompts.create({ ...prompt, conversationId: null }, { type: 'prompt-start', promptId, provider: 'fake' });
  return { store: after, fake, sessionId, promptId };
}

describe('the start after a crash', () => {
  it('ends what was under way, removes login machines, stops the others, and changes nothing more the second time', async () => {
    const { store, fake, sessionId, promptId } = await crashedServer();
    const [cli, browser] = [fake.newest('cli'), fake.newest('browser')];
    expect([cli.running, browser.running]).toEqual([true, true]);
    const world = createWorld({ store, fake });
    await world.app.start();
    expect(await store.sessions.get(sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'LOGIN_INTERRUPTED',
      errorMessage: expect.stringContaining('"starting-login"'),
    });
    expect((await store.prompts.get(promptId))?.status).toBe('failed');
    expect([cli.running, cli.destroyed, browser.destroyed]).toEqual([false, false, true]);
    expect((await store.machines.list()).map(({ role, state }) => `${role} ${state}`)).toEqual(['cli stopped']);
    expect(await store.machines.get(browser.machine.id)).toMatchObject({ role: 'browser', state: 'destroyed' });
    const told = world.events.map(({ type }) => type).toSorted();
    expect(told).toEqual(['login.failed', 'machine.state', 'machine.state', 'prompt.ended']);
    expect(world.reported).toEqual([]);
    await world.app.close();

    const again = createWorld({ store, fake });
    await again.app.start();
    expect(again.events).toEqual([]);
    await again.app.close();
  });

  it('completes a login that was stored and only had its machine left to remove', async () => {
    const { store, fake, sessionId } = await crashedServer();
    const phase = { status: 'awaiting_user_auth', phase: 'cleaning-up' } as const;
    await store.sessions.update(sessionId, phase, { type: 'phase', ...phase, message: '' });
    const browser = fake.newest('browser');
    const world = createWorld({ store, fake });
    await connect(world);
    await world.app.start();
    expect(await store.sessions.get(sessionId)).toMatchObject({ status: 'completed', errorCode: null });
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'login.completed', sessionId, version: 1 }));
    expect(browser.destroyed).toBe(true);
    await world.app.close();
  });

  it('leaves the machines of another host alone, and removes what no row knows', async () => {
    const fake = createFakeDriver();
    const store = createMemoryStore({ clock: systemClock });
    const signal = new AbortController().signal;
    const other = createWorld({ store, fake, host: 'other' });
    await connect(other);
    await other.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
    await until(() => fake.machines.some(({ running }) => running));
    const foreign = fake.newest('cli');
    const orphan = await fake.driver.create({ ...foreign.plan, machineId: 'm-orphan' }, { signal });
    const world = createWorld({ store, fake });
    await world.app.start();
    expect(foreign.running).toBe(true);
    expect((await fake.driver.list()).map(({ machineId }) => machineId)).not.toContain(orphan.id);
    await world.app.close();
    await other.app.close();
  });

  it('goes on when one machine resists', async () => {
    const { store, fake } = await crashedServer();
    fake.failAt('destroy', new Error('It resists.'));
    const world = createWorld({ store, fake });
    await world.app.start();
    expect(world.reported.length).toBe(1);
    expect(fake.newest('cli').running).toBe(false);
    expect((await store.machines.list()).find(({ role }) => role === 'browser')?.state).not.toBe('destroyed');
    await world.app.close();
    const again = createWorld({ store, fake });
    await again.app.start();
    expect(fake.newest('browser').destroyed).toBe(true);
    await again.app.close();
  });

  it('takes as many steps with many stopped machines as with few', async () => {
    const signal = new AbortController().signal;
    const fake = createFakeDriver();
    const store = createMemoryStore({ clock: systemClock });
    const world = createWorld({ store, fake });
    await connect(world);
    const plan = { role: 'cli', memoryMb: 384, vcpus: 1, diskMb: 100, labels: {}, clis: [] } as const;
    const agent = { directory: '/agent', entry: 'main.js', nodeArgs: [], node: '/node' };
    const ids = Array.from({ length: 200 }, (_, index) => `m-stopped-${index}`);
    for (const machineId of ids) {
      await fake.driver.create({ ...plan, agent, machineId, userId }, { signal });
      await store.machines.create({
        machineId,
        userId,
        role: 'cli',
        driver: 'fake',
        host: 'local',
        vcpus: 1,
        memoryMb: 384,
      });
      await store.machines.update(machineId, { state: 'stopped' });
    }
    const machines = { ...store.machines };
    let reads = 0;
    Object.assign(store.machines, {
      get: (machineId: string) => {
        reads += 1;
        return machines.get(machineId);
      },
    });
    await world.app.start();
    expect(reads).toBeLessThan(20);
    await world.app.close();
  });
});
