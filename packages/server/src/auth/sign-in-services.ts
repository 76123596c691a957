import { resolveUserId, SallyportError, userIdOfSubject } from '@sallyport/core';
import { userTokenScopeSchema } from '@sallyport/core/protocol';
import type { Clock } from '@sallyport/core';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { z } from 'zod';

import type { SignInSettings } from './sign-in-settings.ts';
import type { UserCaller } from './caller.ts';
import { discoveredKeys, keysAt } from './fetch-keys.ts';
import { createKeySet } from './key-set.ts';
import type { FetchKeys } from './key-set.ts';
import { expired, unauthenticated } from './unauthenticated.ts';

/** Checks tokens of the sign-in services that the operator has named: a user's own token is enough to be that user. */
export interface SignInServices {
  /** Throws `ACCESS_UNAUTHENTICATED` and `ACCESS_KEYS_UNAVAILABLE`. */
  check(token: string, issuer: string | undefined): Promise<UserCaller>;
}

/** Clocks of two services may differ by this much. */
const SKEW_SECONDS = 60;
/** Symmetric algorithms are not among them: the public key of a service must never serve as a shared secret (RFC 8725 §2.1). */
const ASYMMETRIC = ['ES256', 'RS256'];

export function createSignInServices(
  settings: readonly SignInSettings[],
  {
    clock,
    fetchKeysOf = defaultKeys,
  }: { readonly clock: Clock; readonly fetchKeysOf?: (of: SignInSettings) => FetchKeys },
): SignInServices {
  const services = new Map(
    settings.map((one) => [one.issuer, { ...one, keyOf: createKeySet(one.issuer, fetchKeysOf(one), clock) }]),
  );
  return {
    check: async (token, issuer) => {
      const service = issuer === undefined ? undefined : services.get(issuer);
      if (!service) throw unauthenticated('This token is of no sign-in service that this server knows.');
      const { audience, kind, keyOf } = service;
      const checks = {
        issuer: service.issuer,
        audience: [...audience],
        clockTolerance: SKEW_SECONDS,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(clock.now()),
      };
      try {
        const secret = kind === 'supabase' ? service.jwtSecret : undefined;
        const isSymmetric = secret !== undefined && decodeProtectedHeader(token).alg === 'HS256';
        const { payload } = isSymmetric
          ? await jwtVerify(token, new TextEncoder().encode(secret.reveal()), { ...checks, algorithms: ['HS256'] })
          : await jwtVerify(token, keyOf, { ...checks, algorithms: ASYMMETRIC });
        const user = kind === 'supabase' ? supabaseUser(payload) : userIdOfSubject(service.issuer, payload.sub ?? '');
        return { kind: 'user', user, scopes: userTokenScopeSchema.options };
      } catch (error) {
        if (SallyportError.isInstance(error)) throw error;
        if (error instanceof errors.JWTExpired) throw expired('This token has expired.');
        // Also what Node's crypto says of a key that it cannot use.
        throw unauthenticated('This token is not valid.');
      }
    },
  };
}

/** The ids of Supabase Auth are UUIDs, which the project's own tables and policies use. Its keys are tokens too, but of no user. */
function supabaseUser({ sub = '', role }: JWTPayload): UserCaller['user'] {
  if (role !== 'authenticated' || !z.guid().safeParse(sub).success)
    throw unauthenticated('This token is not one of a signed-in user.');
  return resolveUserId(sub);
}

function defaultKeys({ issuer, keysUrl }: SignInSettings): FetchKeys {
  return keysUrl === undefined ? discoveredKeys(issuer) : keysAt(keysUrl);
}
