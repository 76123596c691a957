import type { ApiKeyStore, Clock, UserStore } from '@sallyport/core';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { FastifyRequest } from 'fastify';

import { checkApiKey, isApiKey, refuseApiKeyOfPage } from './api-key.ts';
import type { Caller } from './caller.ts';
import type { SignInServices } from './sign-in-services.ts';
import { unauthenticated } from './unauthenticated.ts';
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
}

/** Node takes headers up to 16 KiB; the tokens of sign-in services are rarely half as long. */
const LONGEST_TOKEN = 12_000;

/** Reads who sends a request from its bearer token (RFC 6750 §2.1): the only place where one is looked for. */
export async function identify({ headers }: FastifyRequest, options: IdentifyOptions): Promise<Caller> {
  const { origin } = headers;
  const token = bearerToken(headers.authorization);
  const { clock, users } = options;
  if (isApiKey(token)) {
    refuseApiKeyOfPage(origin);
    const { apiKeys: store, onBackgroundError } = options;
    return checkApiKey(token, { store, clock, onBackgroundError });
  }
  const { type, issuer } = labelsOf(token);
  if (type === USER_TOKEN_TYPE) return checkUserToken(token, { keys: options.tokenKeys, users, clock, origin });
  return options.signInServices.check(token, issuer);
}

function bearerToken(authorization: string | undefined): string {
  if (authorization === undefined) throw unauthenticated('The request does not say who sends it.');
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
