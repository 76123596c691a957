import { resolveUserId, SallyportError } from '@sallyport/core';
import type { ResolvedUser } from '@sallyport/core';
import type { UserTokenScope } from '@sallyport/core/protocol';
import type { ApiKeyRole } from '@sallyport/core/store';
import type { FastifyRequest } from 'fastify';

/**
 * Who sends a request: the operator, where no sign-in is configured and the server is on loopback; a product's backend or
 * its administrator, with an API key; or a user, with a token.
 */
export type Caller = { readonly kind: 'operator' } | ApiKeyCaller | UserCaller | LinkCaller;

export interface ApiKeyCaller {
  readonly kind: 'api-key';
  readonly keyId: string;
  readonly role: ApiKeyRole;
}

export interface UserCaller {
  readonly kind: 'user';
  readonly user: ResolvedUser;
  readonly scopes: readonly UserTokenScope[];
}

/** A browser that has opened a connect link: it may do the login of that link, and nothing else. */
export interface LinkCaller {
  readonly kind: 'link';
  readonly user: ResolvedUser;
  readonly sessionId: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the handler of every route that is not public. */
    caller: Caller | null;
  }
}

/**
 * The user that a request is about. `named` is the `userId` that was sent with it: a backend has to name one, and users are
 * themselves, whatever they send. Throws `REQUEST_INVALID` and `ACCESS_DENIED`.
 */
export function userOf(request: FastifyRequest, named: string | undefined): ResolvedUser {
  const caller = callerOf(request);
  if (caller.kind === 'operator') return resolveUserId(named);
  if (caller.kind === 'api-key') {
    if (named !== undefined) return resolveUserId(named);
    throw new SallyportError('REQUEST_INVALID', 'userId is missing: an API key acts for any user.', {
      hint: 'Send the userId of the user that this request is about.',
    });
  }
  if (named === undefined || resolveUserId(named).userId === caller.user.userId) return caller.user;
  throw new SallyportError('ACCESS_DENIED', 'This token belongs to another user than userId says.', {
    hint: 'Leave userId out: a user token says whose it is.',
  });
}

/** The only user whose records exist for this caller; `undefined` if it is everybody's. */
export function onlyUserOf(request: FastifyRequest): string | undefined {
  const caller = callerOf(request);
  return caller.kind === 'user' || caller.kind === 'link' ? caller.user.userId : undefined;
}

/** Throws `LOGIN_SESSION_UNKNOWN` if the caller is a connect link of another login. */
export function checkLinkedSession({ caller }: FastifyRequest, sessionId: string): void {
  if (caller?.kind !== 'link' || caller.sessionId === sessionId) return;
  throw new SallyportError('LOGIN_SESSION_UNKNOWN', 'There is no such login session.');
}

/** Whether the caller may log in for the user, which is what a look at the login's screen amounts to. */
export function mayConnect({ caller }: FastifyRequest): boolean {
  return caller?.kind === 'user' ? caller.scopes.includes('connect') : caller !== null;
}

function callerOf({ caller }: FastifyRequest): Caller {
  if (caller === null) throw new SallyportError('INTERNAL', 'A public route asked who its caller is.');
  return caller;
}
