import { systemClock } from '@sallyport/core';
import { createMemoryStore } from '@sallyport/core/store';
import type { Store } from '@sallyport/core/store';
import { describe, expect, it } from 'vitest';

import { connect, createWorld, until, userId } from './world.ts';
import type { World } from './world.ts';

const DAY_MS = 24 * 60 * 60_000;

/** A login of which it is known when it ends. */
async function connectUntil(world: World, store: Store, loginExpiresAt: number): Promise<void> {
  await connect(world);
  const current = await store.credentials.current(userId, 'fake');
  if (!current) throw new Error('Nothing was stored.');
  await store.credentials.append({ ...current, facts: { ...current.facts, loginExpiresAt } }, current.version);
}

const warnings = (world: World) => world.events.filter(({ type }) => type === 'credential.expiring');

describe('a login that ends', () => {
  it('is told of three days before, once, also by the next server', async () => {
    const store = createMemoryStore({ clock: systemClock });
    const world = createWorld({ store });
    const end = world.clock.now() + 4 * DAY_MS;
    await connectUntil(world, store, end);
    await world.app.start();
    expect(warnings(world)).toEqual([]);
    expect((await world.app.credentials.list(userId))[0]).toMatchObject({ endsSoon: false, problem: null });
    await world.clock.advance(DAY_MS + 60 * 60_000);
    await until(() => warnings(world).length > 0, 'the warning');
    await world.clock.advance(DAY_MS);
    expect(warnings(world)).toMatchObject([{ provider: 'fake', loginExpiresAt: end }]);
    expect((await world.app.credentials.list(userId))[0]).toMatchObject({ endsSoon: true });
    await world.app.close();
    const next = createWorld({ store });
    await next.clock.advance(3 * DAY_MS);
    await next.app.start();
    expect(warnings(next)).toEqual([]);
    await next.app.close();
    expect(next.clock.pending).toBe(0);
  });
});
