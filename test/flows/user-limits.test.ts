import { describe, expect, it } from 'vitest';

import { connect, createWorld, settle, startLogin, userId } from './world.ts';

const refusal = {
  code: 'LIMIT_REACHED',
  status: 429,
  retryable: true,
  details: { retryAfterSeconds: expect.any(Number) },
};
const other = '00000000-0000-4000-8000-000000000002';
const limits = { loginsPerUser: 8, logins: 500, waitingPrompts: 4, prompts: 2_000 };

describe('logins under way', () => {
  it('are limited for each user, also when they start at once', async () => {
    const world = createWorld({ settings: { limits: { ...limits, loginsPerUser: 1 } } });
    const ask = (provider: string, user = userId) =>
      world.app.logins.start({ userId: user, externalId: null, provider });
    const [first, second] = await Promise.allSettled([ask('fake'), ask('other')]);
    expect(first).toMatchObject({ status: 'fulfilled' });
    expect(second).toMatchObject({ status: 'rejected', reason: refusal });
    await expect(ask('other')).rejects.toMatchObject(refusal);
    await expect(ask('fake', other)).resolves.toMatchObject({ status: 'pending' });
    if (first.status === 'fulfilled') await world.app.logins.cancel(first.value.sessionId);
    await expect(ask('other')).resolves.toMatchObject({ status: 'pending' });
    await world.app.close();
  });

  it('are limited in all', async () => {
    const world = createWorld({ settings: { limits: { ...limits, logins: 1 } } });
    await startLogin(world);
    await expect(world.app.logins.start({ userId: other, externalId: null, provider: 'fake' })).rejects.toMatchObject(
      refusal,
    );
    await world.app.close();
  });
});

describe('prompts under way', () => {
  it('are limited in all, before anything is written', async () => {
    const world = createWorld({ settings: { limits: { ...limits, prompts: 2 } } });
    await connect(world);
    const release = world.fake.holdAt('start');
    const ask = () => world.app.prompts.start({ userId, provider: 'fake', prompt: 'hello' });
    const results = await Promise.allSettled([ask(), ask(), ask()]);
    expect(results).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }, { reason: refusal }]);
    expect((await world.store.prompts.running()).length).toBe(2);
    release();
    await settle();
    await expect(ask()).resolves.toMatchObject({ status: 'running' });
    await world.app.close();
  });
});
