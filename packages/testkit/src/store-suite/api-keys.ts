import { randomBytes } from 'node:crypto';

import type { ApiKeyStore, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

const hex = (bytes: number): string => randomBytes(bytes).toString('hex');

export function describeApiKeys(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newKey = (keys: ApiKeyStore, role: 'service' | 'admin' = 'service') =>
    keys.create({ keyId: hex(8), name: 'the backend', role, sha256: hex(32) });

  describe('API keys', () => {
    it('are found by their id, and listed with the oldest first', async () => {
      const { apiKeys } = await create();
      const [first, second] = [await newKey(apiKeys), await newKey(apiKeys, 'admin')];
      await expect(apiKeys.get(first.keyId)).resolves.toEqual(first);
      expect(first).toMatchObject({ name: 'the backend', role: 'service', lastUsedAt: null, revokedAt: null });
      expect(second.role).toBe('admin');
      const listed = (await apiKeys.list()).map(({ keyId }) => keyId);
      expect(listed.filter((id) => id === first.keyId || id === second.keyId)).toEqual([first.keyId, second.keyId]);
      await expect(apiKeys.get(hex(8))).resolves.toBeUndefined();
      await expect(apiKeys.get("no'key")).resolves.toBeUndefined();
    });

    it('are not made twice under one id', async () => {
      const { apiKeys } = await create();
      const { keyId } = await newKey(apiKeys);
      const again = apiKeys.create({ keyId, name: 'another', role: 'admin', sha256: hex(32) });
      await expect(again).rejects.toMatchObject({ code: 'STORE_CONFLICT' });
      await expect(apiKeys.get(keyId)).resolves.toMatchObject({ name: 'the backend', role: 'service' });
    });

    it('remember when they were last used', async () => {
      const { apiKeys } = await create();
      const { keyId, createdAt } = await newKey(apiKeys);
      await apiKeys.noteUse(keyId);
      const used = (await apiKeys.get(keyId))?.lastUsedAt?.getTime() ?? 0;
      expect(used).toBeGreaterThan(createdAt.getTime() - 1);
      await apiKeys.noteUse(hex(8));
    });

    it('are revoked once, and stay in the list', async () => {
      const { apiKeys } = await create();
      const { keyId } = await newKey(apiKeys);
      await expect(apiKeys.revoke(keyId)).resolves.toBe(true);
      await expect(apiKeys.revoke(keyId)).resolves.toBe(false);
      await expect(apiKeys.revoke(hex(8))).resolves.toBe(false);
      expect((await apiKeys.get(keyId))?.revokedAt?.getTime()).toBeGreaterThan(0);
      expect((await apiKeys.list()).some((key) => key.keyId === keyId)).toBe(true);
    });
  });
}
