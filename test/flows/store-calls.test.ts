import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { Store } from '@sallyport/core/store';
import { createFakeDriver } from '@sallyport/testkit';
import { expect, it } from 'vitest';

import { watchMethods } from './watch-steps.ts';
import { agentOf, createWorld, credential, ended, runPrompt, settle, signInUrl, startLogin, userId } from './world.ts';
import type { World } from './world.ts';

/** The same store, and how often it was called since it was last asked. */
function countCalls(store: Store): { readonly store: Store; take(): Readonly<Record<string, number>> } {
  let calls: Record<string, number> = {};
  const parts = new Map<PropertyKey, unknown>(
    Object.entries(store).map(([part, methods]) => [
      part,
      typeof methods === 'object' ? watchMethods(methods, part, () => true, pass) : methods,
    ]),
  );

  function pass<T>(name: string, _isChange: boolean, work: () => Promise<T>): Promise<T> {
    calls[name] = (calls[name] ?? 0) + 1;
    return work();
  }

  return {
    store: new Proxy(store, { get: (_object, name) => parts.get(name) }),
    take: () => {
      const taken = calls;
      calls = {};
      return taken;
    },
  };
}

async function signIn(world: World): Promise<void> {
  const { sessionId } = await startLogin(world);
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  agent.offer('fake', credential(1));
  await ended(world, sessionId);
  await settle();
}

/**
 * Over PostgreSQL each call is one statement: 26 for a login (and one more by which this test looks), 20 for a prompt on a new
 * machine, 9 on one that runs, 12 to hibernate, 13 for a prompt that wakes it, and 12 to stop.
 */
it('calls the store no more often for a login, prompts and the end of a machine than it must', async () => {
  const counted = countCalls(createMemoryStore({ clock: systemClock }));
  const world = createWorld({ store: counted.store, fake: createFakeDriver({ hibernate: true }) });
  await signIn(world);
  expect(counted.take()).toEqual({
    'users.ensure': 1,
    'users.get': 2,
    'sessions.create': 1,
    'sessions.update': 10,
    'sessions.get': 1,
    'machines.create': 1,
    'machines.update': 3,
    'credentials.append': 1,
    'credentials.current': 3,
    'credentials.holder': 2,
    'credentials.seen': 1,
    'credentials.seenLineage': 1,
  });
  await runPrompt(world);
  await settle();
  expect(counted.take()).toEqual({
    'prompts.create': 1,
    'prompts.append': 3,
    'prompts.events': 1,
    'users.get': 1,
    'credentials.current': 5,
    'credentials.list': 2,
    'credentials.holder': 1,
    'credentials.lease': 1,
    'credentials.setVerified': 1,
    'machines.create': 1,
    'machines.update': 2,
    'audit.append': 1,
  });
  await runPrompt(world);
  await settle();
  expect(counted.take()).toEqual({
    'prompts.create': 1,
    'prompts.append': 2,
    'prompts.events': 1,
    'credentials.current': 2,
    'credentials.list': 1,
    'credentials.setVerified': 1,
    'machines.get': 1,
  });
  const [machine] = world.fake.machines.filter(({ running }) => running);
  await world.app.machines.hibernate(userId, machine?.machine.id ?? '');
  await settle();
  expect(counted.take()).toEqual({
    'machines.get': 3,
    'machines.update': 2,
    'machines.noteInjected': 1,
    'credentials.current': 2,
    'credentials.holder': 2,
    'credentials.seen': 1,
    'credentials.seenLineage': 1,
  });
  await runPrompt(world);
  await settle();
  expect(counted.take()).toEqual({
    'prompts.create': 1,
    'prompts.append': 3,
    'prompts.events': 1,
    'users.get': 1,
    'machines.get': 1,
    'machines.nextEpoch': 1,
    'machines.update': 1,
    'credentials.current': 2,
    'credentials.list': 1,
    'credentials.setVerified': 1,
  });
  await world.app.close();
  expect(counted.take()).toEqual({
    'machines.get': 1,
    'machines.update': 2,
    'machines.noteInjected': 1,
    'credentials.list': 1,
    'credentials.current': 2,
    'credentials.holder': 2,
    'credentials.seen': 1,
    'credentials.seenLineage': 1,
    'credentials.release': 1,
  });
});
