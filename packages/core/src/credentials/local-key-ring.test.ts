import { createCipheriv, hkdfSync, randomBytes } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { Secret } from '../base/secret.ts';
import type { SealBinding, Sealed } from '../contracts/key-ring.ts';
import { createLocalKeyRing } from './local-key-ring.ts';

const master = randomBytes(32);
const ring = createLocalKeyRing({ keys: { k1: new Secret(master) }, current: 'k1' });
const binding: SealBinding = { recordId: 'r1', userId: 'u1', provider: 'codex', version: 3 };
const plain = Buffer.from('the refresh token');
const seal = () => ring.seal(new Secret(plain), binding);
const unreadable = { code: 'CREDENTIAL_UNREADABLE', message: 'The stored credential cannot be opened.' };

describe('the local key ring', () => {
  it('opens what it sealed', async () => {
    expect((await ring.open(await seal(), binding)).reveal()).toEqual(plain);
  });

  it('follows the documented format to the letter', async () => {
    const sealed = await seal();
    const salt = Buffer.from(sealed.salt ?? '', 'base64');
    const wrappingKey = Buffer.from(hkdfSync('sha256', master, salt, 'sallyport credential key wrapping v1', 32));
    const dataKey = randomBytes(32);
    const wrap = createCipheriv('aes-256-gcm', wrappingKey, Buffer.alloc(12, 7), { authTagLength: 16 });
    wrap.setAAD(Buffer.from('["r1","u1","codex",3,"k1"]'));
    const wrapped = Buffer.concat([wrap.update(dataKey), wrap.final()]);
    const data = createCipheriv('aes-256-gcm', dataKey, Buffer.alloc(12, 9), { authTagLength: 16 });
    data.setAAD(Buffer.from('["r1","u1","codex",3]'));
    const ciphertext = Buffer.concat([data.update('by hand'), data.final()]);
    const handMade: Sealed = {
      ciphertext,
      iv: Buffer.alloc(12, 9).toString('base64'),
      tag: data.getAuthTag().toString('base64'),
      salt: sealed.salt,
      wrappedKey: Buffer.concat([Buffer.alloc(12, 7), wrap.getAuthTag(), wrapped]),
      keyId: 'k1',
    };
    expect(Buffer.from((await ring.open(handMade, binding)).reveal()).toString()).toBe('by hand');
  });

  it.each([4, 8, 12, 15])('refuses a tag cut to %i bytes, on the data and on the wrapped key', async (length) => {
    const sealed = await seal();
    const tag = Buffer.from(sealed.tag, 'base64').subarray(0, length).toString('base64');
    await expect(ring.open({ ...sealed, tag }, binding)).rejects.toMatchObject(unreadable);
    const wrappedKey = Buffer.concat([sealed.wrappedKey.subarray(0, 12 + length), sealed.wrappedKey.subarray(28)]);
    await expect(ring.open({ ...sealed, wrappedKey }, binding)).rejects.toMatchObject(unreadable);
  });

  it.each([4, 8, 12])(
    're-wraps nothing that is only authenticated by %i bytes, which can be guessed',
    async (length) => {
      const sealed = await seal();
      const salt = Buffer.from(sealed.salt ?? '', 'base64');
      const wrappingKey = Buffer.from(hkdfSync('sha256', master, salt, 'sallyport credential key wrapping v1', 32));
      const wrap = createCipheriv('aes-256-gcm', wrappingKey, Buffer.alloc(12, 7), { authTagLength: 16 });
      wrap.setAAD(Buffer.from('["r1","u1","codex",3,"k1"]'));
      wrap.final();
      const wrappedKey = Buffer.concat([Buffer.alloc(12, 7), wrap.getAuthTag().subarray(0, length)]);
      await expect(ring.rewrap?.({ ...sealed, wrappedKey }, binding)).rejects.toMatchObject(unreadable);
    },
  );

  it.each<[string, Partial<SealBinding>]>([
    ['another user', { userId: 'u2' }],
    ['another provider', { provider: 'claude_code' }],
    ['another record', { recordId: 'r2' }],
    ['an older version', { version: 2 }],
    ['a newer version', { version: 4 }],
  ])('refuses a record that is bound to %s', async (_, other) => {
    await expect(ring.open(await seal(), { ...binding, ...other })).rejects.toMatchObject(unreadable);
  });

  it('refuses a record with any single bit flipped, in any field', async () => {
    const sealed = await seal();
    let tried = 0;
    for (const field of ['ciphertext', 'iv', 'tag', 'salt', 'wrappedKey'] as const) {
      const value = sealed[field];
      const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : Buffer.from(value ?? []);
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const broken = { ...sealed, [field]: typeof value === 'string' ? flipped.toString('base64') : flipped };
        await expect(ring.open(broken, binding), `${field} bit ${bit}`).rejects.toMatchObject(unreadable);
        tried += 1;
      }
    }
    expect(tried).toBe((plain.length + 12 + 16 + 32 + 60) * 8);
  });

  it('refuses other spellings of the same base64', async () => {
    const sealed = await seal();
    for (const tag of [`${sealed.tag} `, sealed.tag.replace(/=+$/, ''), `\n${sealed.tag}`]) {
      await expect(ring.open({ ...sealed, tag }, binding)).rejects.toMatchObject(unreadable);
    }
  });

  it('refuses every field swapped with that of another record', async () => {
    const [mine, other] = [await seal(), await ring.seal(new Secret(plain), { ...binding, recordId: 'r2' })];
    for (const field of ['ciphertext', 'iv', 'tag', 'salt', 'wrappedKey'] as const) {
      await expect(ring.open({ ...mine, [field]: other[field] }, binding)).rejects.toMatchObject(unreadable);
    }
    await expect(ring.open(other, binding)).rejects.toMatchObject(unreadable);
  });

  it('gives the same error, and no cause, for a key it does not have and for a missing salt', async () => {
    const sealed = await seal();
    for (const broken of [
      { ...sealed, keyId: 'k9' },
      { ...sealed, salt: null },
    ]) {
      const error: unknown = await ring.open(broken, binding).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ ...unreadable, details: {} });
      expect(error).not.toHaveProperty('cause');
    }
  });

  it('never uses an IV or a salt twice', async () => {
    const seen = new Set<string | null>();
    for (let index = 0; index < 2000; index += 1) {
      const sealed = await seal();
      seen
        .add(sealed.iv)
        .add(sealed.salt)
        .add(Buffer.from(sealed.wrappedKey.subarray(0, 12)).toString('base64'));
    }
    expect(seen.size).toBe(6000);
  });

  it('does not start on a host whose random numbers repeat', () => {
    const stuck = (size: number): Buffer => Buffer.alloc(size, 42);
    expect(() => createLocalKeyRing({ keys: { k1: new Secret(master) }, current: 'k1', randomBytes: stuck })).toThrow(
      expect.objectContaining({ code: 'CONFIG_HOST_UNSUITABLE' }),
    );
  });
});

describe('changing the master key', () => {
  const both = createLocalKeyRing({
    keys: new Map([
      ['k1', new Secret<Uint8Array>(master)],
      ['k2', new Secret<Uint8Array>(randomBytes(32))],
    ]),
    current: 'k2',
  });

  it('opens records of the old key and seals new ones under the new key', async () => {
    expect((await both.open(await seal(), binding)).reveal()).toEqual(plain);
    expect((await both.seal(new Secret(plain), binding)).keyId).toBe('k2');
  });

  it('re-wraps the data key alone; the old key is no longer needed', async () => {
    const old = await seal();
    const renewed = await both.rewrap(old, binding);
    expect(renewed).toMatchObject({ keyId: 'k2', ciphertext: old.ciphertext, iv: old.iv, tag: old.tag });
    expect((await both.open(renewed, binding)).reveal()).toEqual(plain);
    await expect(ring.open(renewed, binding)).rejects.toMatchObject(unreadable);
    await expect(both.open({ ...renewed, keyId: 'k1' }, binding)).rejects.toMatchObject(unreadable);
  });

  it('does not re-wrap a record that belongs to another user', async () => {
    await expect(both.rewrap(await seal(), { ...binding, userId: 'u2' })).rejects.toMatchObject(unreadable);
  });
});

describe('a master key is refused', () => {
  const create = (key: Uint8Array) => () => createLocalKeyRing({ keys: { k1: new Secret(key) }, current: 'k1' });

  it.each<[string, Uint8Array, RegExp]>([
    ['that is short', randomBytes(16), /has 16 bytes/],
    ['that is long', randomBytes(33), /has 33 bytes/],
    ['that is all zeros', new Uint8Array(32), /all zeros/],
    ['that is a placeholder', Buffer.from('changeme'.repeat(4)), /placeholder/],
    ['that is hex digits as text', Buffer.from(randomBytes(16).toString('hex')), /hex digits/],
    ['that is one half twice', Buffer.concat([Buffer.alloc(16, 200), Buffer.alloc(16, 9)]), /repeats itself/],
    ['that counts up', Uint8Array.from({ length: 32 }, (_, index) => index + 120), /sequence/],
  ])('%s', (_, key, message) => {
    expect(create(key)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(create(key)).toThrow(message);
  });

  it('that is used under two ids, or that is not there', () => {
    const key = new Secret<Uint8Array>(randomBytes(32));
    expect(() => createLocalKeyRing({ keys: { a: key, b: key }, current: 'a' })).toThrow(/"a" and "b" are the same/);
    expect(() => createLocalKeyRing({ keys: { a: key }, current: 'b' })).toThrow(/"b" is not among/);
    expect(() => createLocalKeyRing({ keys: { 'a b': key }, current: 'a b' })).toThrow(/has an id/);
  });

  it('without printing it', () => {
    try {
      create(Buffer.from('changeme'.repeat(4)))();
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain('changeme');
    }
  });
});
