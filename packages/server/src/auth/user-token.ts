import { randomUUID } from 'node:crypto';

import { SallyportError } from '@sallyport/core';
import { userTokenScopeSchema } from '@sallyport/core/protocol';
import type { Clock, ResolvedUser, Secret } from '@sallyport/core';
import type { UserTokenScope } from '@sallyport/core/protocol';
import type { UserStore } from '@sallyport/core/store';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';

import type { UserCaller } from './caller.ts';
import { expired, unauthenticated } from './unauthenticated.ts';

/** Keys that user tokens are signed with. One per master key, so that all servers of a deployment have the same. */
export interface TokenKeys {
  current(): Promise<{ readonly id: string; readonly key: Secret<Uint8Array> }>;
  /** `undefined` if this server does not have the key. */
  find(id: string): Promise<Secret<Uint8Array> | undefined>;
}

/** What a token is made and checked with. */
export interface TokenContext {
  readonly keys: TokenKeys;
  readonly users: Pick<UserStore, 'lastErasure'>;
  readonly clock: Clock;
}

export interface UserToken {
  readonly user: ResolvedUser;
  readonly scopes: readonly UserTokenScope[];
  /** The page that may use it; absent: a program, and no page. */
  readonly origin?: string | undefined;
}

/** Header parameter that tells our tokens from those of sign-in services (RFC 8725 §3.11). */
export const USER_TOKEN_TYPE = 'sallyport-user+jwt';
const ISSUER = 'sallyport';

/** A JSON Web Token (RFC 7519) that a product's backend hands to one of its users. Not stored: it ends soon, or with the erasure of its user. */
export async function signUserToken(
  { user, scopes, origin }: UserToken,
  options: TokenContext & { readonly expiresInSeconds: number },
): Promise<{ readonly token: string; readonly expiresAt: Date }> {
  const { id, key } = await options.keys.current();
  const erasure = await options.users.lastErasure(user.userId);
  const issuedAt = Math.floor(options.clock.now() / 1000);
  const expiresAt = issuedAt + options.expiresInSeconds;
  const claims = {
    scope: scopes.join(' '),
    ...(user.externalId !== null && { external_id: user.externalId }),
    ...(origin !== undefined && { origin }),
    // A name and no time: clocks of two servers differ, and `iat` counts whole seconds.
    ...(erasure !== undefined && { after_erasure: erasure }),
  };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: USER_TOKEN_TYPE, kid: id })
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setSubject(user.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .setJti(randomUUID())
    .sign(key.reveal());
  return { token, expiresAt: new Date(expiresAt * 1000) };
}

const claimsSchema = z.object({
  // Any UUID, of whatever version: `resolveUserId` keeps them all.
  sub: z.guid(),
  scope: z.string().transform((text) => text.split(' ')),
  external_id: z.string().optional(),
  origin: z.string().optional(),
  after_erasure: z.string().optional(),
});

/**
 * Checks a token and the page it comes from: one that was made for a page counts with exactly that `Origin`, and one that
 * was not, without any. One from before the latest erasure of its user does not count. Throws `ACCESS_UNAUTHENTICATED`,
 * `ACCESS_TOKEN_REVOKED` and `ACCESS_DENIED`.
 */
export async function checkUserToken(
  token: string,
  { keys, users, clock, origin }: TokenContext & { readonly origin: string | undefined },
): Promise<UserCaller> {
  const claims = await verify(token, keys, clock);
  if (claims.origin !== origin) {
    throw new SallyportError(
      'ACCESS_DENIED',
      claims.origin === undefined
        ? 'This user token was not made for a web page.'
        : 'This user token was made for a page of another origin.',
      { hint: 'Send the origin of the page when you make the token: POST /api/user-tokens.' },
    );
  }
  const erasure = await users.lastErasure(claims.sub);
  // Forgotten after a day, when tokens from before it have expired.
  if (erasure !== undefined && erasure !== claims.after_erasure)
    throw new SallyportError('ACCESS_TOKEN_REVOKED', 'The user was erased after this user token was made.');
  const scopes = claims.scope.flatMap((scope) => userTokenScopeSchema.safeParse(scope).data ?? []);
  return { kind: 'user', user: { userId: claims.sub, externalId: claims.external_id ?? null }, scopes };
}

async function verify(token: string, keys: TokenKeys, clock: Clock): Promise<z.infer<typeof claimsSchema>> {
  try {
    const { payload } = await jwtVerify(
      token,
      async ({ kid = '' }) => {
        const key = await keys.find(kid);
        if (!key) throw new errors.JWKSNoMatchingKey();
        return key.reveal();
      },
      {
        algorithms: ['HS256'],
        typ: USER_TOKEN_TYPE,
        issuer: ISSUER,
        audience: ISSUER,
        requiredClaims: ['sub', 'exp', 'scope'],
        currentDate: new Date(clock.now()),
      },
    );
    return claimsSchema.parse(payload);
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw expired('This user token has expired.');
    if (error instanceof errors.JOSEError || error instanceof z.ZodError)
      throw unauthenticated('This user token is not valid.');
    throw error;
  }
}
