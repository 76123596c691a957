import { createCipheriv, createDecipheriv, hkdfSync, randomBytes as systemRandomBytes } from 'node:crypto';

import { canonicalJson } from '../base/canonical-json.ts';
import { SallyportError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { KeyRing, SealBinding, Sealed } from '../contracts/key-ring.ts';
import { assertMasterKeys } from './master-key.ts';

/**
 * A key ring whose master keys lie on this host. Each record has a separate data key, which is wrapped
 * under a key derived from the master key and the record's salt, so that a new master key re-wraps 60 bytes per
 * record and never touches data, and no counter exists that a restored backup could set back (NIST SP 800-38D §8.2.2).
 */
export function createLocalKeyRing(options: LocalKeyRingOptions): KeyRing {
  const keys = new Map(options.keys instanceof Map ? options.keys : Object.entries(options.keys));
  assertMasterKeys(keys, options.current);
  const random = options.randomBytes ?? systemRandomBytes;

  const wrap = (dataKey: Buffer, binding: SealBinding): Pick<Sealed, 'salt' | 'wrappedKey' | 'keyId'> => {
    const salt = random(SALT_BYTES);
    const wrappingKey = deriveWrappingKey(keys.get(options.current), salt);
    const wrapped = encrypt(wrappingKey, random(IV_BYTES), wrapContext(binding, options.current), dataKey);
    wrappingKey.fill(0);
    return {
      salt: salt.toString('base64'),
      wrappedKey: Buffer.concat([wrapped.iv, wrapped.tag, wrapped.ciphertext]),
      keyId: options.current,
    };
  };

  const seal = (plain: Uint8Array, binding: SealBinding): Sealed => {
    const dataKey = random(KEY_BYTES);
    const { iv, tag, ciphertext } = encrypt(dataKey, random(IV_BYTES), dataContext(binding), plain);
    const wrapped = wrap(dataKey, binding);
    dataKey.fill(0);
    return { ciphertext, iv: iv.toString('base64'), tag: tag.toString('base64'), ...wrapped };
  };

  const unwrap = (sealed: Sealed, binding: SealBinding): Buffer => {
    const wrappingKey = deriveWrappingKey(keys.get(sealed.keyId), fromBase64(sealed.salt, SALT_BYTES));
    const iv = sealed.wrappedKey.subarray(0, IV_BYTES);
    const tag = sealed.wrappedKey.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    const wrapped = sealed.wrappedKey.subarray(IV_BYTES + TAG_BYTES);
    const dataKey = decrypt(wrappingKey, { iv, tag, ciphertext: wrapped }, wrapContext(binding, sealed.keyId));
    wrappingKey.fill(0);
    return dataKey;
  };

  const open = (sealed: Sealed, binding: SealBinding): Buffer => {
    const dataKey = unwrap(sealed, binding);
    const parts = {
      iv: fromBase64(sealed.iv, IV_BYTES),
      tag: fromBase64(sealed.tag, TAG_BYTES),
      ciphertext: sealed.ciphertext,
    };
    const plain = decrypt(dataKey, parts, dataContext(binding));
    dataKey.fill(0);
    return plain;
  };

  assertNothingRepeats(seal);

  return {
    seal: async (plain, binding) => seal(plain.reveal(), binding),
    open: async (sealed, binding) => oneErrorForAll(() => new Secret<Uint8Array>(open(sealed, binding))),
    rewrap: async (sealed, binding) => {
      const dataKey = oneErrorForAll(() => unwrap(sealed, binding));
      const wrapped = wrap(dataKey, binding);
      dataKey.fill(0);
      return { ciphertext: sealed.ciphertext, iv: sealed.iv, tag: sealed.tag, ...wrapped };
    },
  };
}

export interface LocalKeyRingOptions {
  /** Master keys of 32 random bytes by id. Keep an old one as long as a record names it. */
  readonly keys: ReadonlyMap<string, Secret<Uint8Array>> | Readonly<Record<string, Secret<Uint8Array>>>;
  /** Id of the key that new records are sealed under. */
  readonly current: string;
  /** Where randomness comes from. Default: the operating system. Set by tests only. */
  readonly randomBytes?: (size: number) => Buffer;
}

const KEY_BYTES = 32;
const SALT_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Separates this use of the master key from every other (RFC 5869 §3.2). */
const WRAPPING_PURPOSE = 'sallyport credential key wrapping v1';

interface Encrypted {
  readonly iv: Uint8Array;
  readonly tag: Uint8Array;
  readonly ciphertext: Uint8Array;
}

function encrypt(key: Buffer, iv: Buffer, context: Buffer, plain: Uint8Array) {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(context);
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { iv, tag: cipher.getAuthTag(), ciphertext };
}

function decrypt(key: Buffer, { iv, tag, ciphertext }: Encrypted, context: Buffer): Buffer {
  // Without `authTagLength` Node takes a tag of four bytes, which can be guessed (DEP0182).
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(context);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function deriveWrappingKey(master: Secret<Uint8Array> | undefined, salt: Buffer): Buffer {
  if (!master) throw new Error('no such master key');
  return Buffer.from(hkdfSync('sha256', master.reveal(), salt, WRAPPING_PURPOSE, KEY_BYTES));
}

function dataContext({ recordId, userId, provider, version }: SealBinding): Buffer {
  return Buffer.from(canonicalJson([recordId, userId, provider, version]), 'utf8');
}

function wrapContext({ recordId, userId, provider, version }: SealBinding, keyId: string): Buffer {
  return Buffer.from(canonicalJson([recordId, userId, provider, version, keyId]), 'utf8');
}

/** Strict: Node's decoder skips what is not base64, so two different texts would open the same record. */
function fromBase64(text: string | null, length: number): Buffer {
  const bytes = Buffer.from(text ?? '', 'base64');
  if (bytes.length !== length || bytes.toString('base64') !== text) throw new Error('not canonical base64');
  return bytes;
}

/** The same error, without a cause, for every reason: what failed must not help to forge the next try. */
function oneErrorForAll<Value>(work: () => Value): Value {
  try {
    return work();
  } catch {
    throw new SallyportError('CREDENTIAL_UNREADABLE', 'The stored credential cannot be opened.');
  }
}

/** A generator that repeats itself (a cloned machine, a broken container) would give two records one key and IV. */
function assertNothingRepeats(seal: (plain: Uint8Array, binding: SealBinding) => Sealed): void {
  const binding = { recordId: 'self-test', userId: 'self-test', provider: 'self-test', version: 0 };
  const [first, second] = [seal(new Uint8Array(1), binding), seal(new Uint8Array(1), binding)];
  const wrapIv = (sealed: Sealed): string => Buffer.from(sealed.wrappedKey.subarray(0, IV_BYTES)).toString('base64');
  if (first.iv === second.iv || first.salt === second.salt || wrapIv(first) === wrapIv(second)) {
    throw new SallyportError('CONFIG_HOST_UNSUITABLE', 'The random number generator of this host repeats itself.', {
      hint: 'Do not run on this host: nothing it encrypts would be safe.',
    });
  }
}
