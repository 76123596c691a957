import { randomUUID } from 'node:crypto';

import type { Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeServers(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  describe('servers', () => {
    it('claim a host in turns, and the one before is told at its next heartbeat', async () => {
      const { servers } = await create();
      const host = `host-${randomUUID()}`;
      await expect(servers.get(host)).resolves.toBeUndefined();
      await expect(servers.claim(host, 0)).resolves.toBe(true);
      await expect(servers.get(host)).resolves.toEqual({ host, epoch: 1, isFresh: true });
      await expect(servers.beat(host, 1)).resolves.toBe(true);
      await expect(servers.claim(host, 1)).resolves.toBe(true);
      await expect(servers.beat(host, 1)).resolves.toBe(false);
      await expect(servers.beat(host, 2)).resolves.toBe(true);
    });

    it('of 20 that claim a host at once, one gets it', async () => {
      const { servers } = await create();
      const host = `host-${randomUUID()}`;
      for (const epoch of [0, 1]) {
        const claims = await Promise.all(Array.from({ length: 20 }, () => servers.claim(host, epoch)));
        expect(claims.filter(Boolean).length).toBe(1);
      }
      await expect(servers.claim(host, 7)).resolves.toBe(false);
      await expect(servers.claim(`host-${randomUUID()}`, 1)).resolves.toBe(false);
    });

    it('give their host up, unless another has claimed it', async () => {
      const { servers } = await create();
      const host = `host-${randomUUID()}`;
      await servers.claim(host, 0);
      await servers.claim(host, 1);
      await servers.release(host, 1);
      await expect(servers.get(host)).resolves.toEqual({ host, epoch: 2, isFresh: true });
      await servers.release(host, 2);
      await expect(servers.get(host)).resolves.toEqual({ host, epoch: 2, isFresh: false });
    });
  });
}
