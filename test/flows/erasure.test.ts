import { defaultSettings } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { Plugin } from '@sallyport/core';
import { createVirtualClock } from '@sallyport/testkit';
import { describe, expect, it, vi } from 'vitest';

import { connect, createWorld, credential, settle, startLogin, until, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

const hour = 60 * 60_000;
const answer = { type: 'stdout', line: '{"type":"text","text":"done"}' } as const;
const exit = { type: 'exit', code: 0, signal: null, reason: 'ended' } as const;

async function begin(options: WorldOptions = {}): Promise<World> {
  const world = createWorld(options);
  await world.app.start();
  await connect(world);
  world.fake.script.execute = async function* () {
    yield answer;
    yield exit;
  };
  return world;
}

async function runToEnd(world: World): Promise<string> {
  const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
  await until(async () => (await world.app.prompts.get(promptId)).status !== 'running');
  return promptId;
}

/** Holds the next look at a credential, which a prompt begins with, until the returned function is called. */
function holdLookup({ store: { credentials } }: World): () => void {
  const current = credentials.current.bind(credentials);
  const held = Promise.withResolvers<void>();
  vi.spyOn(credentials, 'current').mockImplementationOnce(async (...asked) => {
    const found = await current(...asked);
    await held.promise;
    return found;
  });
  return () => held.resolve();
}

const disk = (world: World, provider: string) => world.fake.newest('cli').home(provider);

describe('disconnecting a provider', () => {
  it('erases its credential, its home and its history, and nothing of another provider', async () => {
    const world = await begin();
    const other = { userId, externalId: null, provider: 'other' };
    await world.app.credentials.import({ ...other, files: { auth: credential(1).auth } });
    const promptId = await runToEnd(world);
    const kept = await world.app.prompts.start({ userId, provider: 'other', prompt: 'hi' });
    await until(async () => (await world.app.prompts.get(kept.promptId)).status !== 'running');
    const session = await world.app.logins.start({ userId, externalId: null, provider: 'fake', method: 'browser' });
    await world.app.logins.cancel(session.sessionId);
    const path = '~/.fake/history.jsonl';
    disk(world, 'fake').set(path, { path, content: 'what the user asked', mode: 0o600 });
    disk(world, 'other').set(path, { path, content: 'kept', mode: 0o600 });

    await world.app.credentials.disconnect(userId, 'fake');
    expect(await world.store.credentials.current(userId, 'fake')).toBeUndefined();
    expect([...disk(world, 'fake').keys()]).toEqual([]);
    expect(await world.store.prompts.get(promptId)).toBeUndefined();
    expect(await world.store.prompts.events(promptId, 0, 10)).toEqual([]);
    expect(await world.store.sessions.get(session.sessionId)).toBeUndefined();
    expect(disk(world, 'other').get(path)?.content).toBe('kept');
    expect(await world.store.prompts.get(kept.promptId)).toMatchObject({ status: 'completed' });
    expect(await world.store.credentials.current(userId, 'other')).toMatchObject({ valid: true });
    await world.app.close();
    expect(await world.leftovers()).toEqual([]);
  });

  it('ends a prompt that runs, and erases that as well', async () => {
    const world = await begin();
    world.fake.script.execute = async function* (request, _agent, signal) {
      yield answer;
      if (request.argv[0] === 'logout') return;
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    };
    const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
    await until(async () => (await world.store.prompts.events(promptId, 0, 10)).length > 1);
    await world.app.credentials.disconnect(userId, 'fake');
    expect(await world.store.prompts.get(promptId)).toBeUndefined();
    expect(world.events).toContainEqual(expect.objectContaining({ type: 'prompt.ended', promptId, outcome: 'failed' }));
    await world.app.close();
  });
});

describe('disconnecting, while a prompt is being sent', () => {
  it('erases that as well', async () => {
    const world = await begin();
    const goOn = holdLookup(world);
    const sent = world.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
    const disconnected = world.app.credentials.disconnect(userId, 'fake');
    await settle();
    goOn();
    const [{ promptId }] = await Promise.all([sent, disconnected]);
    await settle();
    expect(await world.store.prompts.get(promptId)).toBeUndefined();
    await world.app.close();
  });
});

describe('deleting a user', () => {
  it('ends what runs and erases everything, twice without an error', async () => {
    const world = await begin();
    const promptId = await runToEnd(world);
    const { sessionId } = await startLogin(world);
    await world.app.users.erase(userId);
    await settle();
    const machine = world.fake.newest('cli');
    expect(machine.destroyed).toBe(true);
    expect(await world.store.credentials.list(userId)).toEqual([]);
    expect(await world.store.prompts.get(promptId)).toBeUndefined();
    expect(await world.store.sessions.get(sessionId)).toBeUndefined();
    expect(await world.store.users.get(userId)).toBeUndefined();
    expect(world.events.filter(({ type }) => type === 'user.erased')).toHaveLength(1);
    await world.app.users.erase(userId);
    expect(await world.leftovers()).toEqual([]);
    // The user may come back, as a new one.
    await connect(world);
    expect(await world.store.credentials.current(userId, 'fake')).toMatchObject({ version: 1 });
    await world.app.close();
  });

  it('leaves nothing of a prompt that was being sent', async () => {
    const world = await begin();
    await runToEnd(world);
    const goOn = holdLookup(world);
    const sent = world.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
    const erased = world.app.users.erase(userId);
    await settle();
    goOn();
    const [prompt] = await Promise.allSettled([sent, erased]);
    await settle();
    if (prompt.status === 'fulfilled') expect(await world.store.prompts.get(prompt.value.promptId)).toBeUndefined();
    expect(await world.store.users.get(userId)).toBeUndefined();
    expect(world.fake.machines.every(({ destroyed }) => destroyed)).toBe(true);
    expect((await world.store.machines.list({ userId })).filter(({ state }) => state !== 'destroyed')).toEqual([]);
    await world.app.close();
  });

  it('leaves nothing of a login that was being imported', async () => {
    const held = Promise.withResolvers<void>();
    const slow: Plugin = {
      name: 'slow',
      apply: ({ hooks }) => hooks['credential.captured'].tapPromise('slow', () => held.promise),
    };
    const world = createWorld({ plugins: [slow] });
    await world.app.start();
    const imported = connect(world);
    await settle();
    const erased = world.app.users.erase(userId);
    await settle();
    held.resolve();
    await Promise.all([imported, erased]);
    expect(await world.store.credentials.list(userId)).toEqual([]);
    expect(await world.store.users.get(userId)).toBeUndefined();
    await world.app.close();
  });

  it('refuses what would begin meanwhile', async () => {
    const world = await begin();
    await runToEnd(world);
    const erased = Promise.all([world.app.users.erase(userId), world.app.users.erase(userId)]);
    const refusal = { code: 'USER_ERASED' };
    await expect(world.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' })).rejects.toMatchObject(refusal);
    await expect(startLogin(world)).rejects.toMatchObject(refusal);
    await expect(connect(world)).rejects.toMatchObject(refusal);
    await erased;
    expect(await world.store.users.get(userId)).toBeUndefined();
    await world.app.close();
  });

  it('is refused by a server that does not have the machine', async () => {
    const world = await begin();
    await runToEnd(world);
    const elsewhere = createWorld({ store: world.store, host: 'elsewhere' });
    await elsewhere.app.start();
    await expect(elsewhere.app.users.erase(userId)).rejects.toMatchObject({
      code: 'MACHINE_BUSY',
      details: { host: 'local' },
    });
    expect(await world.store.credentials.current(userId, 'fake')).toMatchObject({ valid: true });
    await elsewhere.app.close();
    await world.app.close();
  });
});

describe('deleting a user who logs in at another server', () => {
  it('is refused until that login has ended', async () => {
    const world = await begin();
    const elsewhere = createWorld({ store: world.store, host: 'elsewhere' });
    await elsewhere.app.start();
    const { sessionId } = await startLogin(elsewhere);
    await expect(world.app.users.erase(userId)).rejects.toMatchObject({
      code: 'LOGIN_IN_PROGRESS',
      details: { sessionId, host: 'elsewhere' },
    });
    expect(await world.store.users.get(userId)).toBeDefined();
    await elsewhere.app.logins.cancel(sessionId);
    await world.app.users.erase(userId);
    expect(await world.store.users.get(userId)).toBeUndefined();
    await elsewhere.app.close();
    await world.app.close();
  });
});

describe('the history', () => {
  it.each([
    { title: 'is deleted that long after its end', historyMs: 3 * hour, isKept: false },
    { title: 'is kept for ever if so configured', historyMs: Infinity, isKept: true },
  ])('$title', async ({ historyMs, isKept }) => {
    const world = await begin({ settings: { historyMs } });
    const promptId = await runToEnd(world);
    await world.clock.advance(2 * hour);
    expect(await world.store.prompts.get(promptId)).toMatchObject({ status: 'completed' });
    await world.clock.advance(2 * hour);
    expect((await world.store.prompts.get(promptId)) !== undefined).toBe(isKept);
    expect(world.reported).toEqual([]);
    await world.app.close();
  });

  it('is kept when the clock of a server runs ahead', async () => {
    const world = await begin({
      settings: { historyMs: 3 * hour },
      store: createMemoryStore({ clock: createVirtualClock() }),
    });
    const promptId = await runToEnd(world);
    await world.clock.advance(10 * hour);
    expect(await world.store.prompts.get(promptId)).toMatchObject({ status: 'completed' });
    await world.app.close();
  });

  it('is kept for 30 days by default', () => {
    expect(defaultSettings.historyMs).toBe(30 * 24 * hour);
  });
});
