import { createMemoryStore } from '@sallyport/core/store';
import type { EpochMemory, SallyportError } from '@sallyport/core';
import { createVirtualClock } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

import { agentOf, connect, createWorld, settle, startLogin, until, userId } from './world.ts';

/** A file in the data directory, as far as the application sees it. */
function createEpochFile(): EpochMemory {
  let epoch: number | undefined;
  return {
    read: () => Promise.resolve(epoch),
    write: (next) => {
      epoch = next;
      return Promise.resolve();
    },
  };
}

describe('a second server on the same store', () => {
  it('leaves the logins, prompts, machines and credentials of the first alone', async () => {
    const first = createWorld({ host: 'first' });
    await first.app.start();
    await connect(first);
    first.fake.script.execute = async function* () {
      yield { type: 'stdout', line: '{"type":"text","text":"begun"}' };
      await new Promise(() => {});
    };
    const { promptId } = await first.app.prompts.start({ userId, provider: 'fake', prompt: 'hi' });
    const { sessionId } = await startLogin(first);
    await agentOf(first, sessionId);
    await until(() => first.fake.machines.filter(({ running }) => running).length === 2);
    const state = async () => ({
      session: await first.store.sessions.get(sessionId),
      prompt: await first.store.prompts.get(promptId),
      machines: await first.store.machines.list(),
      credential: await first.store.credentials.current(userId, 'fake'),
      holder: await first.store.credentials.holder(userId, 'fake'),
    });
    const before = await state();

    const second = createWorld({ store: first.store, host: 'second' });
    await second.app.start();
    await second.clock.advance(5 * 60_000);
    expect(await state()).toEqual(before);
    expect(second.events).toEqual([]);
    await second.app.close();
    expect(await state()).toEqual(before);
  });

  it('is refused while the first runs, if it has the same host ID, and changes nothing', async () => {
    const first = createWorld({ epochMemory: createEpochFile() });
    await first.app.start();
    await connect(first);
    const second = createWorld({ store: first.store, epochMemory: createEpochFile() });
    await expect(second.app.start()).rejects.toMatchObject({ code: 'SERVER_RUNNING', details: { host: 'local' } });
    expect(await first.store.servers.get('local')).toEqual({ host: 'local', epoch: 1, isFresh: true });
    expect(second.events).toEqual([]);
    await first.app.close();
    await second.app.start();
    expect(await first.store.servers.get('local')).toMatchObject({ epoch: 2 });
    await second.app.close();
  });

  it('takes the place of one that has been silent for 30 seconds', async () => {
    const clock = createVirtualClock();
    const store = createMemoryStore({ clock });
    await store.servers.claim('local', 0);
    const world = createWorld({ store, epochMemory: createEpochFile() });
    await clock.advance(29_999);
    await expect(world.app.start()).rejects.toMatchObject({ code: 'SERVER_RUNNING' });
    await clock.advance(1);
    await world.app.start();
    await world.app.close();
  });
});

describe('a server that crashed', () => {
  it.each(['before it claimed', 'after it claimed'])('starts again at once if that was %s', async (when) => {
    const file = createEpochFile();
    const store = createMemoryStore({ clock: createVirtualClock() });
    await file.write(1);
    await store.servers.claim('local', 0);
    if (when === 'before it claimed') await file.write(2);
    const world = createWorld({ store, epochMemory: file });
    await world.app.start();
    expect(await store.servers.get('local')).toEqual({ host: 'local', epoch: 2, isFresh: true });
    await world.app.close();
  });
});

describe('a server whose host ID another one has claimed', () => {
  it('is told so at its next heartbeat, once', async () => {
    const told: SallyportError[] = [];
    const world = createWorld({ epochMemory: createEpochFile(), onSuperseded: (error) => void told.push(error) });
    await world.app.start();
    await world.clock.advance(60_000);
    expect(told).toEqual([]);
    await world.store.servers.claim('local', 1);
    await world.clock.advance(60_000);
    await settle();
    expect(told.map(({ code }) => code)).toEqual(['SERVER_SUPERSEDED']);
    expect(world.events.filter(({ type }) => type === 'server.superseded')).toHaveLength(1);
    await world.app.close();
    // It has not given up what is the other's now.
    expect(await world.store.servers.beat('local', 2)).toBe(true);
  });

  it('keeps its place while the store is away', async () => {
    const world = createWorld({ epochMemory: createEpochFile() });
    await world.app.start();
    const working = { ...world.store.servers };
    Object.assign(world.store.servers, { beat: () => Promise.reject(new Error('The store is away.')) });
    await world.clock.advance(20_000);
    Object.assign(world.store.servers, working);
    await world.clock.advance(20_000);
    expect(world.reported.filter((line) => line.includes('heartbeat')).length).toBeGreaterThan(0);
    expect(await world.store.servers.get('local')).toEqual({ host: 'local', epoch: 1, isFresh: true });
    await world.app.close();
  });
});
