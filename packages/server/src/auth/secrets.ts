import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, in characters that may stand in a URL and in a cookie. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is stored in place of a secret, and looked up: the time that takes reveals nothing to a guesser. */
export function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
