import { randomUUID } from 'node:crypto';

import type { Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeUsers(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  describe('users', () => {
    it('makes a user on first sight and finds the same one afterwards', async () => {
      const { users } = await create();
      const userId = randomUUID();
      await expect(users.get(userId)).resolves.toBeUndefined();
      const made = await users.ensure(userId, 'ext-1');
      expect(made).toMatchObject({ userId, externalId: 'ext-1', machineId: null });
      await expect(users.ensure(userId, 'ext-1')).resolves.toEqual(made);
      await expect(users.get(userId)).resolves.toEqual(made);
    });

    it('allots each user who needs one a different proxy port, from 10001, also when many come at once', async () => {
      const { users } = await create();
      const ids = Array.from({ length: 30 }, () => randomUUID());
      const made = await Promise.all(ids.map((userId) => users.ensure(userId, null)));
      expect(made.map(({ proxyPort }) => proxyPort)).toEqual(ids.map(() => null));
      const ports = await Promise.all(ids.map((userId) => users.allotProxyPort(userId)));
      expect(new Set(ports).size).toBe(30);
      expect(Math.min(...ports.map((port) => port ?? 0))).toBeGreaterThan(10_000);
      // For good, and however often it is asked for.
      await expect(Promise.all(ids.map((userId) => users.allotProxyPort(userId)))).resolves.toEqual(ports);
      const stored = await Promise.all(ids.map((userId) => users.get(userId)));
      expect(stored.map((user) => user?.proxyPort)).toEqual(ports);
      await expect(users.allotProxyPort(randomUUID())).resolves.toBeUndefined();
    });

    it('makes one user when the same one comes many times at once', async () => {
      const { users } = await create();
      const userId = randomUUID();
      const made = await Promise.all(Array.from({ length: 20 }, () => users.ensure(userId, null)));
      expect(made).toEqual(made.map(() => made[0]));
      const ports = await Promise.all(made.map(() => users.allotProxyPort(userId)));
      expect(new Set(ports).size).toBe(1);
    });

    it('remembers the CLI machine, and forgets it', async () => {
      const { users } = await create();
      const userId = randomUUID();
      await users.ensure(userId, null);
      await users.setMachine(userId, 'm-1');
      await expect(users.get(userId)).resolves.toMatchObject({ machineId: 'm-1' });
      await users.setMachine(userId, null);
      await expect(users.get(userId)).resolves.toMatchObject({ machineId: null });
    });

    it('are gone once erased', async () => {
      const store = await create();
      const userId = randomUUID();
      await store.users.ensure(userId, null);
      await store.users.erase(userId);
      await expect(store.users.get(userId)).resolves.toBeUndefined();
      await store.users.erase(userId);
    });

    it('have a name for their latest erasure, stored or not, which is another for each', async () => {
      const { users } = await create();
      const [erased, unknown, other] = [randomUUID(), randomUUID(), randomUUID()];
      await users.ensure(erased, null);
      await users.ensure(other, null);
      await expect(users.lastErasure(erased)).resolves.toBeUndefined();
      await users.erase(erased);
      await users.erase(unknown);
      const names = [await users.lastErasure(erased), await users.lastErasure(unknown)];
      // Coming back as a new user undoes nothing.
      await users.ensure(erased, null);
      await expect(users.lastErasure(erased)).resolves.toBe(names[0]);
      await users.erase(erased);
      names.push(await users.lastErasure(erased));
      expect(new Set(names).size).toBe(3);
      expect(names.every((name) => typeof name === 'string')).toBe(true);
      await expect(users.lastErasure(other)).resolves.toBeUndefined();
    });
  });
}
