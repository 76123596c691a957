import { randomUUID } from 'node:crypto';

import type { LoginEvent } from '@sallyport/core';
import type { NewSession, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeSessions(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newSession = async (store: Store, provider = 'codex'): Promise<NewSession> => {
    const userId = randomUUID();
    await store.users.ensure(userId, null);
    return {
      sessionId: randomUUID(),
      userId,
      host: 'host-a',
      provider,
      method: 'browser',
      display: 'local',
      browserMachineId: 'm-1',
      phase: 'preparing',
    };
  };
  const event = (message: string): LoginEvent => ({ type: 'phase', status: 'pending', phase: 'p', message });

  describe('login sessions', () => {
    it('start pending, with nothing known yet', async () => {
      const store = await create();
      const session = await newSession(store);
      const made = await store.sessions.create(session);
      expect(made).toMatchObject({ ...session, status: 'pending', cliMachineId: null, authUrl: null, errorCode: null });
      expect(made.createdAt instanceof Date && made.updatedAt instanceof Date).toBe(true);
      await expect(store.sessions.get(session.sessionId)).resolves.toEqual(made);
      await expect(store.sessions.get(randomUUID())).resolves.toBeUndefined();
    });

    it('are one at a time for a user and provider: of 100 that start at once, one lives', async () => {
      const store = await create();
      const session = await newSession(store);
      const starts = await Promise.allSettled(
        Array.from({ length: 100 }, () => store.sessions.create({ ...session, sessionId: randomUUID() })),
      );
      const winners = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value.sessionId] : []));
      const losers = starts.flatMap((start): unknown[] => (start.status === 'rejected' ? [start.reason] : []));
      expect(winners.length).toBe(1);
      for (const loser of losers) {
        expect(loser).toMatchObject({ code: 'LOGIN_IN_PROGRESS', details: { sessionId: winners[0] } });
      }
      const live = (await store.sessions.live()).filter(({ userId }) => userId === session.userId);
      expect(live.map(({ sessionId }) => sessionId)).toEqual(winners);
    });

    it('are listed for their host', async () => {
      const store = await create();
      const session = await newSession(store);
      await store.sessions.create(session);
      const isListed = async (host: string): Promise<boolean> =>
        (await store.sessions.live({ host })).some(({ sessionId }) => sessionId === session.sessionId);
      expect([await isListed('host-a'), await isListed('host-b')]).toEqual([true, false]);
    });

    it('of another provider or another user do not stand in the way', async () => {
      const store = await create();
      const session = await newSession(store);
      await store.sessions.create(session);
      await store.sessions.create({ ...session, sessionId: randomUUID(), provider: 'gemini_cli' });
      await store.sessions.create(await newSession(store));
      const live = (await store.sessions.live()).filter(({ userId }) => userId === session.userId);
      expect(live.length).toBe(2);
    });

    it('may start again after the last one has ended', async () => {
      const store = await create();
      const session = await newSession(store);
      await store.sessions.create(session);
      await store.sessions.update(session.sessionId, { status: 'cancelled' }, event('over'));
      const again = await store.sessions.create({ ...session, sessionId: randomUUID() });
      expect(again.status).toBe('pending');
    });

    it('change and journal together, and keep what is not named', async () => {
      const store = await create();
      const session = await newSession(store);
      await store.sessions.create(session);
      const userCodeExpiresAt = new Date('2026-11-29T12:15:00.123Z');
      const expiresAt = userCodeExpiresAt.toISOString();
      const data = { url: 'https://example.com/', userCode: 'ABCD', expiresAt };
      const url: LoginEvent = { ...event('Sign in'), type: 'url', data };
      const updated = await store.sessions.update(
        session.sessionId,
        {
          status: 'awaiting_user_auth',
          phase: 'sign-in',
          authUrl: 'https://example.com/',
          userCode: 'ABCD',
          userCodeExpiresAt,
        },
        url,
      );
      const expected = {
        status: 'awaiting_user_auth',
        phase: 'sign-in',
        userCode: 'ABCD',
        userCodeExpiresAt,
        browserMachineId: 'm-1',
      };
      expect(updated?.session).toMatchObject(expected);
      expect(updated?.entry.event).toEqual(url);
      await expect(store.sessions.get(session.sessionId)).resolves.toEqual(updated?.session);
    });

    it('that have ended, or never were, take no change and no event', async () => {
      const store = await create();
      for (const status of ['completed', 'failed', 'cancelled'] as const) {
        const session = await newSession(store);
        await store.sessions.create(session);
        await store.sessions.update(session.sessionId, { status, errorCode: 'LOGIN_DENIED' }, event('over'));
        const late = await store.sessions.update(session.sessionId, { status: 'ready' }, event('late'));
        expect(late).toBeUndefined();
        await expect(store.sessions.get(session.sessionId)).resolves.toMatchObject({ status });
        expect((await store.sessions.events(session.sessionId, 0)).map((entry) => entry.event.message)).toEqual([
          'over',
        ]);
      }
      const unknown = await store.sessions.update(randomUUID(), { status: 'ready' }, event('x'));
      expect(unknown).toBeUndefined();
    });

    it('end once, when many try at the same time', async () => {
      const store = await create();
      const session = await newSession(store);
      await store.sessions.create(session);
      const ends = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.sessions.update(session.sessionId, { status: index % 2 ? 'failed' : 'completed' }, event(`${index}`)),
        ),
      );
      expect(ends.filter((end) => end !== undefined).length).toBe(1);
      expect((await store.sessions.events(session.sessionId, 0)).length).toBe(1);
    });

    it('stream their own events in order, from any id on', async () => {
      const store = await create();
      const [session, other] = [await newSession(store), await newSession(store)];
      await store.sessions.create(session);
      await store.sessions.create(other);
      for (const message of ['a', 'b', 'c']) {
        await store.sessions.update(session.sessionId, {}, event(message));
        await store.sessions.update(other.sessionId, {}, event(`other ${message}`));
      }
      const entries = await store.sessions.events(session.sessionId, 0);
      expect(entries.map((entry) => entry.event.message)).toEqual(['a', 'b', 'c']);
      const ids = entries.map(({ id }) => id);
      expect(ids).toEqual([...new Set(ids)].toSorted((left, right) => left - right));
      await expect(store.sessions.events(session.sessionId, ids[0] ?? 0)).resolves.toEqual(entries.slice(1));
      await expect(store.sessions.events(session.sessionId, ids[2] ?? 0)).resolves.toEqual([]);
    });
  });
}
