import type { IncomingHttpHeaders } from 'node:http';

import type { Clock } from '@sallyport/core';
import type { ApiKeyStore, UserStore } from '@sallyport/core/store';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { FastifyRequest } from 'fastify';

import { checkApiKey, isApiKey, refuseApiKeyOfPage } from './api-key.ts';
import type { Caller } from './caller.ts';
import { createFailureLimit } from './failure-limit.ts';
import { createKnownKeys } from './known-keys.ts';
import type { KnownKeys } from './known-keys.ts';
import type { SignInServices } from './sign-in-services.ts';
import { isRefusedCredential, unauthenticated } from './unauthenticated.ts';
import { checkUserToken, USER_TOKEN_TYPE } from './user-token.ts';
import type { TokenKeys } from './user-token.ts';

/** What proves who is asking. */
export interface Authentication {
  readonly apiKeys: ApiKeyStore;
  readonly tokenKeys: TokenKeys;
  readonly users: Pick<UserStore, 'lastErasure'>;
  readonly signInServices: SignInServices;
}

export interface IdentifyOptions extends Authentication {
  readonly clock: Clock;
  readonly onBackgroundError: (what: string, error: unknown) => void;
  /** Refused credentials of one client address, or one IPv6 /64, in a minute. */
  readonly failuresPerMinute: number;
}

/** Node takes headers up to 16 KiB; the tokens of sign-in services are rarely half as long. */
const LONGEST_TOKEN = 12_000;

/**
 * Reads who sends a request from its bearer token (RFC 6750 §2.1): the only place where one is looked for. Refused ones are
 * limited for each client address, with 429. Valid ones are not: a token is known by its signature, and for an API key from an
 * address that is over its limit, the list of all keys is asked first.
 */
export function createIdentifier(options: IdentifyOptions): (request: FastifyRequest) => Promise<Caller> {
  const { clock, apiKeys, failuresPerMinute: perMinute } = options;
  const failures = createFailureLimit({ perMinute, clock });
  const knownKeys = createKnownKeys(apiKeys, clock);
  return async ({ headers, ip }) => {
    if (headers.authorization === undefined) throw unauthenticated('The request does not say who sends it.');
    try {
      return await identify(headers, options, failures.isReached(ip) ? knownKeys : undefined);
    } catch (error) {
      if (isRefusedCredential(error)) failures.count(ip);
      throw error;
    }
  };
}

async function identify(
  { origin, authorization = '' }: IncomingHttpHeaders,
  options: IdentifyOptions,
  knownKeys: KnownKeys | undefined,
): Promise<Caller> {
  const token = bearerToken(authorization);
  const { clock, users, onBackgroundError } = options;
  if (isApiKey(token)) {
    refuseApiKeyOfPage(origin);
    return checkApiKey(token, { store: options.apiKeys, clock, onBackgroundError, knownKeys });
  }
  const { type, issuer } = labelsOf(token);
  if (type === USER_TOKEN_TYPE) return checkUserToken(token, { keys: options.tokenKeys, users, clock, origin });
  return options.signInServices.check(token, issuer);
}

function bearerToken(authorization: string): string {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined || token.length > LONGEST_TOKEN)
    throw unauthenticated('The header Authorization holds no bearer token.');
  return token;
}

/** What a token says of itself, which is believed only once its signature was checked. */
function labelsOf(token: string): { readonly type: string | undefined; readonly issuer: string | undefined } {
  try {
    return { type: decodeProtectedHeader(token).typ, issuer: decodeJwt(token).iss };
  } catch {
    throw unauthenticated('The bearer token is neither an API key nor a JSON Web Token.');
  }
}
