import { randomUUID } from 'node:crypto';

import type { NewCredentialVersion, Store } from '@sallyport/core/store';

import type { TestRunner } from '../runner.ts';

export function describeCredentials(create: () => Promise<Store>, { describe, it, expect }: TestRunner): void {
  const newVersion = async (store: Store): Promise<NewCredentialVersion> => {
    const userId = randomUUID();
    await store.users.ensure(userId, null);
    return {
      credentialId: randomUUID(),
      userId,
      provider: 'codex',
      sha256: hash(),
      facts: { kind: 'plan', blank: false, account: 'a@example.com', issuedAt: 1 },
      sealed: {
        ciphertext: Uint8Array.of(0, 1, 254, 255),
        iv: 'iv',
        tag: 'tag',
        salt: 'salt',
        wrappedKey: Uint8Array.of(9, 8),
        keyId: 'k1',
      },
    };
  };
  const hash = (): string => randomUUID().replaceAll('-', '').repeat(2);

  describe('credentials', () => {
    it('come back as they were stored, bytes included', async () => {
      const store = await create();
      const version = await newVersion(store);
      await expect(store.credentials.current(version.userId, 'codex')).resolves.toBeUndefined();
      const stored = await store.credentials.append(version, 0);
      expect(stored).toMatchObject({ sha256: version.sha256, facts: version.facts, version: 1, valid: true });
      expect([...stored.sealed.ciphertext, ...stored.sealed.wrappedKey]).toEqual([0, 1, 254, 255, 9, 8]);
      expect({ ...stored.sealed, ciphertext: 0, wrappedKey: 0 }).toEqual({
        ...version.sealed,
        ciphertext: 0,
        wrappedKey: 0,
      });
      await expect(store.credentials.current(version.userId, 'codex')).resolves.toEqual(stored);
      await expect(store.credentials.list(version.userId)).resolves.toEqual([stored]);
    });

    it('count their versions and list only the current one', async () => {
      const store = await create();
      const version = await newVersion(store);
      await store.credentials.append(version, 0);
      const second = await store.credentials.append({ ...version, sha256: hash() }, 1);
      expect(second.version).toBe(2);
      const listed = await store.credentials.list(version.userId);
      expect(listed.map((record) => record.version)).toEqual([2]);
    });

    it('are refused when the version is not the one expected', async () => {
      const store = await create();
      const version = await newVersion(store);
      await expect(store.credentials.append(version, 1)).rejects.toMatchObject({ code: 'CREDENTIAL_STALE' });
      await store.credentials.append(version, 0);
      for (const expected of [0, 2]) {
        const late = store.credentials.append({ ...version, sha256: hash() }, expected);
        await expect(late).rejects.toMatchObject({ code: 'CREDENTIAL_STALE' });
      }
      await expect(store.credentials.current(version.userId, 'codex')).resolves.toMatchObject({ version: 1 });
    });

    it('take one of many versions that are written at once', async () => {
      const store = await create();
      const version = await newVersion(store);
      for (const expected of [0, 1]) {
        const writes = await Promise.allSettled(
          Array.from({ length: 20 }, () => store.credentials.append({ ...version, sha256: hash() }, expected)),
        );
        expect(writes.filter(({ status }) => status === 'fulfilled').length).toBe(1);
        for (const write of writes) {
          if (write.status === 'rejected') expect(write.reason).toMatchObject({ code: 'CREDENTIAL_STALE' });
        }
      }
    });

    it('remember the hash of every version, of this user and provider alone', async () => {
      const store = await create();
      const version = await newVersion(store);
      const { userId, sha256 } = version;
      await store.credentials.append(version, 0);
      await store.credentials.append({ ...version, sha256: hash() }, 1);
      await expect(store.credentials.seen(userId, 'codex', sha256)).resolves.toBe(1);
      await expect(store.credentials.seen(userId, 'codex', hash())).resolves.toBeUndefined();
      await expect(store.credentials.seen(userId, 'gemini_cli', sha256)).resolves.toBeUndefined();
      await expect(store.credentials.seen(randomUUID(), 'codex', sha256)).resolves.toBeUndefined();
    });

    it('are found again by their refresh token, in the newest version that had it', async () => {
      const store = await create();
      const version = await newVersion(store);
      const { userId } = version;
      const append = (lineage: string, expectedVersion: number) =>
        store.credentials.append({ ...version, sha256: hash(), facts: { ...version.facts, lineage } }, expectedVersion);
      await append('first', 0);
      await append('first', 1);
      await append('second', 2);
      await expect(store.credentials.seenLineage(userId, 'codex', 'first')).resolves.toBe(2);
      await expect(store.credentials.seenLineage(userId, 'codex', 'third')).resolves.toBeUndefined();
      await expect(store.credentials.seenLineage(userId, 'gemini_cli', 'first')).resolves.toBeUndefined();
      await store.credentials.erase(userId, 'codex');
      await expect(store.credentials.seenLineage(userId, 'codex', 'first')).resolves.toBeUndefined();
    });

    it('become invalid and valid again, and may start invalid', async () => {
      const store = await create();
      const version = await newVersion(store);
      await store.credentials.append(version, 0);
      await store.credentials.setValid(version.userId, 'codex', false);
      await expect(store.credentials.current(version.userId, 'codex')).resolves.toMatchObject({ valid: false });
      await store.credentials.setValid(version.userId, 'codex', true);
      await expect(store.credentials.current(version.userId, 'codex')).resolves.toMatchObject({ valid: true });
      const next = await store.credentials.append({ ...version, sha256: hash(), valid: false }, 1);
      expect(next.valid).toBe(false);
    });

    it('say why they are invalid, also after a rotation, until they are valid again', async () => {
      const store = await create();
      const version = await newVersion(store);
      const { userId } = version;
      const reason = async () => (await store.credentials.current(userId, 'codex'))?.invalidReason;
      await store.credentials.append(version, 0);
      expect(await reason()).toBe(null);
      await store.credentials.setValid(userId, 'codex', false, 'lost');
      expect(await reason()).toBe('lost');
      await store.credentials.append({ ...version, sha256: hash(), valid: false }, 1);
      expect(await reason()).toBe('lost');
      await store.credentials.append({ ...version, sha256: hash() }, 2);
      expect(await reason()).toBe(null);
      await store.credentials.setValid(userId, 'codex', false);
      expect(await reason()).toBe('refused');
      await store.credentials.setValid(userId, 'codex', true);
      expect(await reason()).toBe(null);
    });

    it('remember when the provider last accepted the current version', async () => {
      const store = await create();
      const version = await newVersion(store);
      const { userId } = version;
      const verified = async () => (await store.credentials.current(userId, 'codex'))?.lastVerified;
      const machineId = `m-${randomUUID().slice(0, 18)}`;
      const size = { vcpus: 1, memoryMb: 512 };
      await store.machines.create({ machineId, userId, role: 'cli', driver: 'process', host: 'h-1', ...size });
      await store.credentials.append(version, 0);
      await store.credentials.setVerified(userId, 'codex', machineId);
      await store.machines.noteInjected(machineId, 'codex', 7);
      await store.credentials.setVerified(userId, 'codex', machineId);
      await store.credentials.setVerified(userId, 'codex', 'm-none');
      expect(await verified()).toBe(null);
      await store.machines.noteInjected(machineId, 'codex', 1);
      await store.credentials.setVerified(userId, 'codex', machineId);
      expect((await verified()) instanceof Date).toBe(true);
      await store.credentials.append({ ...version, sha256: hash() }, 1);
      expect(await verified()).toBe(null);
      await store.credentials.append({ ...version, sha256: hash(), verified: true }, 2);
      expect((await verified()) instanceof Date).toBe(true);
    });

    it('are found when their login ends soon, while they are valid', async () => {
      const store = await create();
      const [ending, lasting] = [await newVersion(store), await newVersion(store)];
      const facts = { kind: 'plan', blank: false } as const;
      await store.credentials.append({ ...ending, facts: { ...facts, loginExpiresAt: 1_000_000_000_500.5 } }, 0);
      await store.credentials.append(lasting, 0);
      const ours = ({ userId }: { userId: string }): boolean => [ending.userId, lasting.userId].includes(userId);
      const usersOf = async (found: Promise<readonly { userId: string }[]>) =>
        (await found).filter(ours).map(({ userId }) => userId);
      expect(await usersOf(store.credentials.endingBefore(1_000_000_000_000))).toEqual([]);
      expect(await usersOf(store.credentials.endingBefore(1_000_000_001_000))).toEqual([ending.userId]);
      await store.credentials.setValid(ending.userId, 'codex', false);
      expect(await usersOf(store.credentials.endingBefore(1_000_000_001_000))).toEqual([]);
    });

    it('note a warning once for each end of a login', async () => {
      const store = await create();
      const version = await newVersion(store);
      await store.credentials.append(version, 0);
      const warn = (end: number) => store.credentials.noteWarning(version.userId, 'codex', end);
      expect([await warn(5), await warn(5)]).toEqual([true, false]);
      await store.credentials.append({ ...version, sha256: hash() }, 1);
      expect([await warn(5), await warn(6), await warn(6)]).toEqual([false, true, false]);
      await expect(store.credentials.noteWarning(randomUUID(), 'codex', 5)).resolves.toBe(false);
    });

    it('are leased to one machine at a time', async () => {
      const store = await create();
      const { userId, ...rest } = await newVersion(store);
      const unknown = store.credentials.lease(userId, 'codex', { machineId: 'm-1' });
      await expect(unknown).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
      await store.credentials.append({ userId, ...rest }, 0);
      await expect(store.credentials.holder(userId, 'codex')).resolves.toBeUndefined();
      await store.credentials.lease(userId, 'codex', { machineId: 'm-1' });
      await store.credentials.lease(userId, 'codex', { machineId: 'm-1' });
      await expect(store.credentials.holder(userId, 'codex')).resolves.toEqual({ machineId: 'm-1' });
      await store.credentials.lease(userId, 'codex', { machineId: 'm-1', diskNonce: 'one' });
      await store.credentials.lease(userId, 'codex', { machineId: 'm-1', diskNonce: 'two' });
      await expect(store.credentials.holder(userId, 'codex')).resolves.toEqual({ machineId: 'm-1', diskNonce: 'two' });
      const second = store.credentials.lease(userId, 'codex', { machineId: 'm-2' });
      await expect(second).rejects.toMatchObject({ code: 'CREDENTIAL_LEASED' });
      await store.credentials.release(userId, 'codex', 'm-2');
      await expect(store.credentials.holder(userId, 'codex')).resolves.toEqual({ machineId: 'm-1', diskNonce: 'two' });
      await store.credentials.release(userId, 'codex', 'm-1');
      await store.credentials.lease(userId, 'codex', { machineId: 'm-2' });
      await expect(store.credentials.holder(userId, 'codex')).resolves.toEqual({ machineId: 'm-2' });
    });

    it('keep the lease when a new version is stored', async () => {
      const store = await create();
      const version = await newVersion(store);
      await store.credentials.append(version, 0);
      await store.credentials.lease(version.userId, 'codex', { machineId: 'm-1' });
      await store.credentials.append({ ...version, sha256: hash() }, 1);
      await expect(store.credentials.holder(version.userId, 'codex')).resolves.toEqual({ machineId: 'm-1' });
    });

    it('are leased to one of many machines that ask at once', async () => {
      const store = await create();
      const version = await newVersion(store);
      await store.credentials.append(version, 0);
      const leases = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          store.credentials.lease(version.userId, 'codex', { machineId: `m-${index}` }),
        ),
      );
      expect(leases.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    });

    it('tell which master keys their current versions need', async () => {
      const store = await create();
      const version = await newVersion(store);
      const [first, second] = [`a-${hash()}`, `b-${hash()}`];
      await store.credentials.append({ ...version, sealed: { ...version.sealed, keyId: first } }, 0);
      expect((await store.credentials.keysInUse()).includes(first)).toBe(true);
      await store.credentials.append({ ...version, sha256: hash(), sealed: { ...version.sealed, keyId: second } }, 1);
      const inUse = await store.credentials.keysInUse();
      expect(inUse.filter((id) => id === first || id === second)).toEqual([second]);
      expect(inUse).toEqual([...new Set(inUse)].toSorted());
    });

    it('are found under older master keys, page by page, and not under this one or a newer one', async () => {
      const store = await create();
      const prefix = hash();
      const keyed = async (suffix: string) => {
        const version = await newVersion(store);
        return store.credentials.append({ ...version, sealed: { ...version.sealed, keyId: `${prefix}-${suffix}` } }, 0);
      };
      // Upper case comes before lower case: by bytes, whatever the collation of the database.
      const older = await Promise.all(['Z', 'a', 'b'].map(keyed));
      await Promise.all(['c', 'd'].map(keyed));
      const found: string[] = [];
      let after: Parameters<typeof store.credentials.underOlderKeys>[2];
      for (;;) {
        const page = await store.credentials.underOlderKeys(`${prefix}-c`, 2, after);
        expect(page.length <= 2).toBe(true);
        found.push(...page.filter(({ sealed }) => sealed.keyId.startsWith(prefix)).map(({ userId }) => userId));
        after = page.at(-1);
        if (after === undefined) break;
      }
      expect(found).toEqual(older.map(({ userId }) => userId).toSorted());
    });

    it('change nothing but the wrapped key when it is wrapped again', async () => {
      const store = await create();
      const version = await newVersion(store);
      const stored = await store.credentials.append(version, 0);
      await store.credentials.lease(version.userId, 'codex', { machineId: 'm-1' });
      const rewrapped = { salt: 'other salt', wrappedKey: Uint8Array.of(7, 0, 255), keyId: 'k2' };
      await expect(store.credentials.rewrap(stored, rewrapped)).resolves.toBe(true);
      const expected = { ...stored, sealed: { ...stored.sealed, ...rewrapped } };
      const current = await store.credentials.current(version.userId, 'codex');
      expect(Uint8Array.from(current?.sealed.wrappedKey ?? [])).toEqual(rewrapped.wrappedKey);
      expect({ ...current, sealed: { ...current?.sealed, ciphertext: 0, wrappedKey: 0 } }).toEqual({
        ...expected,
        sealed: { ...expected.sealed, ciphertext: 0, wrappedKey: 0 },
      });
      await expect(store.credentials.holder(version.userId, 'codex')).resolves.toEqual({ machineId: 'm-1' });
    });

    it('are not wrapped again once they have changed', async () => {
      const store = await create();
      const version = await newVersion(store);
      const { userId } = version;
      const first = await store.credentials.append(version, 0);
      const rewrapped = { salt: null, wrappedKey: Uint8Array.of(1), keyId: 'k2' };
      await expect(store.credentials.rewrap(first, rewrapped)).resolves.toBe(true);
      await expect(store.credentials.rewrap(first, { ...rewrapped, keyId: 'k3' })).resolves.toBe(false);
      const again = { ...first, sealed: { ...first.sealed, keyId: 'k2' } };
      await expect(store.credentials.rewrap(again, { ...rewrapped, keyId: 'k3' })).resolves.toBe(false);
      // The credential rotates, sealed under the old key once more.
      const second = await store.credentials.append({ ...version, sha256: hash() }, 1);
      await expect(store.credentials.rewrap(first, rewrapped)).resolves.toBe(false);
      await expect(store.credentials.current(userId, 'codex')).resolves.toEqual(second);
      await store.credentials.erase(userId, 'codex');
      await expect(store.credentials.rewrap(second, rewrapped)).resolves.toBe(false);
      await expect(store.credentials.current(userId, 'codex')).resolves.toBeUndefined();
    });

    it('leave nothing behind when they are erased', async () => {
      const store = await create();
      const version = await newVersion(store);
      await store.credentials.append(version, 0);
      await store.credentials.lease(version.userId, 'codex', { machineId: 'm-1' });
      await store.credentials.erase(version.userId, 'codex');
      await store.credentials.erase(version.userId, 'codex');
      await expect(store.credentials.current(version.userId, 'codex')).resolves.toBeUndefined();
      await expect(store.credentials.list(version.userId)).resolves.toEqual([]);
      await expect(store.credentials.holder(version.userId, 'codex')).resolves.toBeUndefined();
      await expect(store.credentials.seen(version.userId, 'codex', version.sha256)).resolves.toBeUndefined();
      const again = await store.credentials.append({ ...version, credentialId: randomUUID() }, 0);
      expect(again.version).toBe(1);
    });
  });
}
