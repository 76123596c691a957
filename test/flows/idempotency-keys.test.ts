import { randomUUID } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { connect, createWorld, settle, userId } from './world.ts';

const DAY_MS = 24 * 60 * 60_000;
const scope = { userId, route: 'POST /things', key: 'k' };
const claim = () => ({ bodyHash: 'a'.repeat(64), resourceId: randomUUID() });

describe('an idempotency key', () => {
  it('is free again after a day', async () => {
    const { clock, store } = createWorld();
    await store.idempotency.claim(scope, claim());
    await clock.advance(DAY_MS - 1);
    expect(await store.idempotency.claim(scope, claim())).toMatchObject({ ageMs: DAY_MS - 1 });
    await clock.advance(1);
    expect(await store.idempotency.claim(scope, claim())).toBeUndefined();
  });

  it('is deleted after a day, without anybody asking for it', async () => {
    const world = createWorld();
    await world.app.start();
    await world.store.idempotency.claim(scope, claim());
    for (let hour = 0; hour < 26; hour += 1) {
      await world.clock.advance(60 * 60_000);
      await settle();
    }
    expect(await world.store.idempotency.prune(10)).toBe(0);
    await world.app.close();
  });

  it('goes with its user', async () => {
    const world = createWorld();
    await connect(world);
    await world.store.idempotency.claim(scope, claim());
    await world.app.users.erase(userId);
    expect(await world.store.idempotency.claim(scope, claim())).toBeUndefined();
  });
});
