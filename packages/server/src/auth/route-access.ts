import { SallyportError } from '@sallyport/core';
import type { UserTokenScope } from '@sallyport/core/protocol';
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';

import type { Caller, LinkCaller } from './caller.ts';

/**
 * Who may call a route. `public`: everybody, and nobody is asked who they are. `user`: every user, for what is their own. A
 * scope: users whose token has it. `service`: API keys. `admin`: API keys of administrators. Each includes those behind it.
 */
export type RouteAccess = 'public' | 'user' | UserTokenScope | 'service' | 'admin';

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly access?: RouteAccess;
    /** Whether the browser of a connect link may call it, without a token, for the login of that link. */
    readonly forLinks?: boolean;
  }
}

/**
 * Identifies the caller of each route that is not public, and refuses those who may not call it. A route that does not say
 * who may call it stops the start, so that none is open by mistake.
 */
export function requireAccess(
  app: FastifyInstance,
  identify: (request: FastifyRequest) => Caller | Promise<Caller>,
  /** The connect link that the browser of a request has opened, if any. */
  findLink?: (request: FastifyRequest) => Promise<LinkCaller | undefined>,
): void {
  app.decorateRequest('caller', null);
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => void routes.push(route));
  app.addHook('onReady', async () => {
    const open = routes.filter(({ config }) => config?.access === undefined);
    if (open.length === 0) return;
    const names = open.map(({ method, url }) => `${String(method)} ${url}`);
    throw new SallyportError('INTERNAL', `Routes do not say who may call them: ${names.join(', ')}.`);
  });
  app.addHook('onRequest', async (request) => {
    // Where there is no route, there is nothing to protect.
    if (request.is404) return;
    const { config, url } = request.routeOptions;
    // A preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch) never carries a token.
    if (config.access === 'public' || (url === '*' && request.method === 'OPTIONS')) return;
    // A token says more than a cookie.
    const mayBeLink = config.forLinks === true && request.headers.authorization === undefined;
    const link = mayBeLink ? await findLink?.(request) : undefined;
    if (link) {
      request.caller = link;
      return;
    }
    const caller = await identify(request);
    checkMayCall(caller, config.access ?? 'admin');
    request.caller = caller;
  });
}

function checkMayCall(caller: Caller, access: Exclude<RouteAccess, 'public'>): void {
  if (caller.kind === 'operator') return;
  if (caller.kind === 'api-key') {
    if (access !== 'admin' || caller.role === 'admin') return;
    throw new SallyportError('ACCESS_DENIED', 'This API key is one of a service: it may not do that.', {
      hint: 'Use a key of the role admin: `sallyport api-keys create --role admin`.',
    });
  }
  if (caller.kind === 'link') throw new SallyportError('ACCESS_DENIED', 'A connect link may not do that.');
  if (access === 'user') return;
  if (access === 'service' || access === 'admin') {
    throw new SallyportError('ACCESS_DENIED', 'Users may not do that.', { hint: 'Use an API key, from a backend.' });
  }
  if (caller.scopes.includes(access)) return;
  throw new SallyportError('ACCESS_DENIED', `This token may not do that: its scopes do not include "${access}".`, {
    hint: 'Ask for a user token with that scope.',
  });
}
