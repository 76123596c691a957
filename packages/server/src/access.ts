import type { IncomingMessage } from 'node:http';

import { SallyportError } from '@sallyport/core';
import type { FastifyInstance } from 'fastify';

/**
 * There is no sign-in yet, so the server listens on loopback only, and a web page in the person's own browser
 * is the attacker. `Host` is checked against DNS rebinding, `Origin` and `Sec-Fetch-Site` against requests of
 * other pages (https://www.w3.org/TR/fetch-metadata/). `curl` sends neither of the last two and works.
 */
export function registerAccess(app: FastifyInstance, allowedHosts: () => readonly string[]): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    checkAccess(request.raw, allowedHosts());
  });
}

/** A top-level visit by a link or the address bar: it can read nothing, and the page cannot be framed. */
const VISITABLE = /^\/(\?|$)/;

export function checkAccess(request: IncomingMessage, allowedHosts: readonly string[]): void {
  const { host, origin } = request.headers;
  if (host === undefined || !allowedHosts.includes(host.toLowerCase())) {
    throw new SallyportError('ACCESS_DENIED', 'This server does not answer to that host name.', { hint: `Use http://${allowedHosts[0]}.` });
  }
  if (origin !== undefined && origin !== `http://${host.toLowerCase()}`) {
    throw new SallyportError('ACCESS_DENIED', 'Requests of other web pages are not answered.');
  }
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin') return;
  const visit = request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate' && request.headers['sec-fetch-dest'] === 'document';
  if (visit && (site === 'none' || VISITABLE.test(request.url ?? ''))) return;
  throw new SallyportError('ACCESS_DENIED', 'Requests of other web pages are not answered.');
}

/** A viewer upgrade comes from a browser, which always sends Origin. */
export function checkViewerAccess(request: IncomingMessage, allowedHosts: readonly string[]): void {
  if (request.headers.origin === undefined) throw new SallyportError('ACCESS_DENIED', 'A viewer needs an Origin header.');
  checkAccess(request, allowedHosts);
}

/** Names under which a server on loopback may be asked for. */
export function loopbackHosts(port: number): readonly string[] {
  return [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`];
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; style-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
} as const;
