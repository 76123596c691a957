import { SallyportError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';

/** Refuses to start with a master key that is short, empty, a placeholder, or used twice. */
export function assertMasterKeys(keys: ReadonlyMap<string, Secret<Uint8Array>>, current: string): void {
  if (!keys.has(current)) {
    throw new SallyportError('CONFIG_INVALID', `The current master key "${current}" is not among the keys given.`);
  }
  const seen = new Map<string, string>();
  for (const [keyId, key] of keys) {
    const problem = /^[A-Za-z0-9._-]{1,64}$/.test(keyId)
      ? masterKeyProblem(key.reveal())
      : 'has an id with other characters than letters, digits, . _ and -';
    if (problem !== undefined) {
      throw new SallyportError('CONFIG_INVALID', `The master key "${keyId}" ${problem}.`, {
        hint: 'Make one with `head -c 32 /dev/urandom > master.key && chmod 400 master.key`, and back it up.',
      });
    }
    const text = Buffer.from(key.reveal()).toString('base64');
    const twin = seen.get(text);
    if (twin !== undefined) {
      throw new SallyportError('CONFIG_INVALID', `The master keys "${twin}" and "${keyId}" are the same.`);
    }
    seen.set(text, keyId);
  }
}

/** Why these bytes cannot be a master key, or `undefined`. 32 random bytes fail with a chance below 2^-40. */
function masterKeyProblem(key: Uint8Array): string | undefined {
  if (key.length !== 32) return `has ${key.length} bytes; it must have 32`;
  if (key.every((byte) => byte === 0)) return 'is all zeros';
  if (key.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is readable text, such as a placeholder or hex digits';
  if (new Set(key).size < 20) return 'repeats itself too much to be random';
  const step = ((key[1] ?? 0) - (key[0] ?? 0)) & 0xff;
  if (key.every((byte, index) => index === 0 || ((byte - (key[index - 1] ?? 0)) & 0xff) === step)) {
    return 'is a plain sequence';
  }
  return undefined;
}
