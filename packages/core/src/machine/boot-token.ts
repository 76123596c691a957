import { randomBytes } from 'node:crypto';

import { Secret } from '../base/secret.ts';

/** The bearer token of one boot of a machine's agent: 256 random bits, in characters that a header takes as they are. */
export function newBootToken(): Secret {
  return new Secret(randomBytes(32).toString('base64url'));
}
