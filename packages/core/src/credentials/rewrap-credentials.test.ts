import { randomBytes } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { systemClock } from '../base/clock.ts';
import { Secret } from '../base/secret.ts';
import type { KeyRing } from '../contracts/key-ring.ts';
import type { CredentialRecord, CredentialStore } from '../contracts/store.ts';
import { createMemoryStore } from '../store/memory-store.ts';
import { createLocalKeyRing } from './local-key-ring.ts';
import { rewrapCredentials } from './rewrap-credentials.ts';

const [k1, k2] = [new Secret(randomBytes(32)), new Secret(randomBytes(32))];
const before = createLocalKeyRing({ keys: { k1 }, current: 'k1' });
const both = createLocalKeyRing({ keys: { k1, k2 }, current: 'k2' });
const after = createLocalKeyRing({ keys: { k2 }, current: 'k2' });
const provider = 'example';
const users = ['u1', 'u2', 'u3', 'u4', 'u5'];

async function setup() {
  const { credentials } = createMemoryStore({ clock: systemClock });
  const store = async (userId: string, version: number, ring: KeyRing = before): Promise<CredentialRecord> => {
    const plain = new Secret(Buffer.from(`${userId} ${version}`));
    const sealed = await ring.seal(plain, { recordId: userId, userId, provider, version });
    const facts = { kind: 'plan', blank: false } as const;
    return credentials.append(
      { credentialId: userId, userId, provider, sha256: `${userId}-${version}`, facts, sealed },
      version - 1,
    );
  };
  for (const userId of users) await store(userId, 1);
  const open = async (userId: string, ring: KeyRing): Promise<string> => {
    const record = await credentials.current(userId, provider);
    if (!record) throw new Error('nothing is stored');
    const plain = await ring.open(record.sealed, { recordId: userId, userId, provider, version: record.version });
    return Buffer.from(plain.reveal()).toString();
  };
  const rewrap = (wrapped: Partial<CredentialStore> = {}) =>
    rewrapCredentials({ store: { credentials: { ...credentials, ...wrapped } }, keyRing: both, keyId: 'k2', batch: 2 });
  return { credentials, store, open, rewrap };
}

describe('the change of the master key', () => {
  it('lets the new key alone open every credential', async () => {
    const { credentials, open, rewrap } = await setup();
    await expect(rewrap()).resolves.toEqual({ rewrapped: 5, unreadable: [] });
    expect(await credentials.keysInUse()).toEqual(['k2']);
    for (const userId of users) expect(await open(userId, after)).toBe(`${userId} 1`);
  });

  it('goes on where it was killed, before or after any of its writes', async () => {
    for (let writes = 0; writes < users.length; writes += 1) {
      for (const isWritten of [false, true]) {
        const { credentials, open, rewrap } = await setup();
        let left = writes;
        const killed = rewrap({
          rewrap: async (...args) => {
            if (left > 0) return ((left -= 1), credentials.rewrap(...args));
            if (isWritten) await credentials.rewrap(...args);
            throw new Error('killed');
          },
        });
        await expect(killed).rejects.toThrow('killed');
        for (const userId of users) expect(await open(userId, both)).toBe(`${userId} 1`);
        await expect(rewrap()).resolves.toMatchObject({ rewrapped: 5 - writes - (isWritten ? 1 : 0) });
        expect(await credentials.keysInUse()).toEqual(['k2']);
      }
    }
  });

  it('keeps the newer version of a credential that rotates meanwhile, and rewraps that', async () => {
    const { credentials, store, open, rewrap } = await setup();
    let isRotated = false;
    const result = await rewrap({
      rewrap: async (record, sealed) => {
        // Between the read and the write, by a server that does not know the new key yet.
        if (record.userId === 'u3' && !isRotated) await store('u3', 2);
        isRotated ||= record.userId === 'u3';
        return credentials.rewrap(record, sealed);
      },
    });
    expect(result).toEqual({ rewrapped: 5, unreadable: [] });
    expect(await open('u3', after)).toBe('u3 2');
    expect(await credentials.keysInUse()).toEqual(['k2']);
  });

  it('finds what is sealed under the old key behind it', async () => {
    const { credentials, store, open, rewrap } = await setup();
    await rewrap({
      rewrap: async (record, sealed) => {
        if (record.userId === 'u5') await store('u1', 2);
        return credentials.rewrap(record, sealed);
      },
    });
    expect(await open('u1', after)).toBe('u1 2');
  });

  it('leaves a credential that a newer key sealed, and one that cannot be opened, as they are', async () => {
    const { credentials, store, rewrap } = await setup();
    const k3 = createLocalKeyRing({ keys: { k3: new Secret(randomBytes(32)) }, current: 'k3' });
    const newer = await store('u1', 2, k3);
    const foreign = createLocalKeyRing({ keys: { k1: new Secret(randomBytes(32)) }, current: 'k1' });
    const unreadable = await store('u2', 2, foreign);
    await expect(rewrap()).resolves.toEqual({ rewrapped: 3, unreadable: [{ userId: 'u2', provider }] });
    await expect(credentials.current('u1', provider)).resolves.toEqual(newer);
    await expect(credentials.current('u2', provider)).resolves.toEqual(unreadable);
  });
});
