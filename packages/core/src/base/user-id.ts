import { createHash } from 'node:crypto';

import { SallyportError } from './errors.ts';

/** The user of a request: the id in our tables, and the embedding product's name for the user, if it has one. */
export interface ResolvedUser {
  readonly userId: string;
  /** `null` if the product itself uses UUIDs. */
  readonly externalId: string | null;
}

/** The user of a single-user deployment. */
export const LOCAL_USER = 'local';

/** Never change this: every stored user id derives from it. */
const NAMESPACE = '6f0d6c3e-6d0b-4f0e-9b3a-7a0f5c1e8d24';

/**
 * Keeps a UUID, in lower case. Maps any other name of up to 128 characters to a stable UUID (version 5, RFC 9562
 * §5.5). Throws `REQUEST_INVALID`.
 */
export function resolveUserId(given: string | undefined): ResolvedUser {
  const name = given ?? LOCAL_USER;
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) {
    return { userId: name.toLowerCase(), externalId: null };
  }
  if (name === '' || name.length > 128 || /[\p{Cc}\p{Surrogate}]/u.test(name)) {
    throw new SallyportError(
      'REQUEST_INVALID',
      'userId must be a UUID, or another text of 1 to 128 characters without control characters.',
    );
  }
  return { userId: uuidVersion5(NAMESPACE, name), externalId: name };
}

/**
 * The user whom a sign-in service knows by this subject: version 5 of the subject in the namespace of the issuer, so that no
 * two services share a user. A backend names this user by the UUID.
 */
export function userIdOfSubject(issuer: string, subject: string): ResolvedUser {
  return { userId: uuidVersion5(uuidVersion5(NAMESPACE, issuer), subject), externalId: null };
}

function uuidVersion5(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
