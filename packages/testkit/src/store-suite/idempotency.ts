import { randomUUID } from 'node:crypto';

import type { IdempotencyScope, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeIdempotency(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newScope = (): IdempotencyScope => ({ userId: randomUUID(), route: 'POST /things', key: 'key "1"' });
  const newClaim = () => ({ bodyHash: 'a'.repeat(64), resourceId: randomUUID() });

  describe('idempotency keys', () => {
    it('are claimed once, and say what they were claimed for', async () => {
      const { idempotency } = await create();
      const [scope, claim] = [newScope(), newClaim()];
      await expect(idempotency.claim(scope, claim)).resolves.toBeUndefined();
      const other = { ...newClaim(), bodyHash: 'b'.repeat(64) };
      const found = await idempotency.claim(scope, other);
      expect(found).toMatchObject({ ...claim, isCompleted: false });
      expect(found?.ageMs).toBeGreaterThan(-1);
      expect(found?.ageMs).toBeLessThan(3_600_000);
      await idempotency.complete(scope, other.resourceId);
      expect(await idempotency.claim(scope, other)).toMatchObject({ ...claim, isCompleted: false });
      await idempotency.complete(scope, claim.resourceId);
      expect(await idempotency.claim(scope, other)).toMatchObject({ ...claim, isCompleted: true });
    });

    it('belong to a user and a route', async () => {
      const { idempotency } = await create();
      const scope = newScope();
      for (const change of [{}, { userId: randomUUID() }, { route: 'POST /others' }, { key: 'another' }])
        await expect(idempotency.claim({ ...scope, ...change }, newClaim())).resolves.toBeUndefined();
    });

    it('of 20 that are claimed at once, one caller gets it', async () => {
      const { idempotency } = await create();
      const scope = newScope();
      const claims = Array.from({ length: 20 }, newClaim);
      const found = await Promise.all(claims.map((claim) => idempotency.claim(scope, claim)));
      const winner = claims[found.indexOf(undefined)];
      const losers = found.filter((record) => record !== undefined);
      expect(losers.length).toBe(19);
      expect(new Set(losers.map(({ resourceId }) => resourceId))).toEqual(new Set([winner?.resourceId]));
    });

    it('are free again when released for what they were claimed for', async () => {
      const { idempotency } = await create();
      const [scope, claim] = [newScope(), newClaim()];
      await idempotency.claim(scope, claim);
      await idempotency.release(scope, randomUUID());
      expect(await idempotency.claim(scope, newClaim())).toMatchObject(claim);
      await idempotency.release(scope, claim.resourceId);
      await expect(idempotency.claim(scope, newClaim())).resolves.toBeUndefined();
    });

    it('are erased with their user, and are not pruned before their time', async () => {
      const { idempotency } = await create();
      const [gone, kept] = [newScope(), newScope()];
      for (const scope of [gone, kept]) await idempotency.claim(scope, newClaim());
      await idempotency.erase(gone.userId);
      await idempotency.prune(100);
      await expect(idempotency.claim(gone, newClaim())).resolves.toBeUndefined();
      expect(await idempotency.claim(kept, newClaim())).toMatchObject({ isCompleted: false });
    });
  });
}
