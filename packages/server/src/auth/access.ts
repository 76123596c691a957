import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SallyportError } from '@sallyport/core';

/**
 * There is no sign-in yet, so the server listens on loopback only, and a web page in the user's own browser
 * is the attacker. `Host` is checked against DNS rebinding, `Origin` and `Sec-Fetch-Site` against requests of
 * other pages (https://www.w3.org/TR/fetch-metadata/). `curl` sends neither of the last two and works.
 */
export function checkAccess(request: IncomingMessage, allowedHosts: readonly string[]): void {
  const { origin } = request.headers;
  // An absolute address in the request line would outrank `Host` (RFC 9112 §3.2.2); only proxies are sent one.
  if (request.url?.startsWith('/') !== true) {
    throw new SallyportError('ACCESS_DENIED', 'This server is not a proxy: the request line must hold a path.');
  }
  const host = onlyHost(request);
  if (host === undefined || !allowedHosts.includes(host)) {
    throw new SallyportError('ACCESS_DENIED', 'This server does not answer to that host name.', {
      hint: `Use http://${allowedHosts[0]}.`,
    });
  }
  if (origin !== undefined && origin !== `http://${host}`) throw otherPage();
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin') return;
  if (isVisit(request) && (site === 'none' || VISITABLE.test(request.url))) return;
  throw otherPage();
}

/** A viewer upgrade comes from a browser, which always sends Origin. */
export function checkViewerAccess(request: IncomingMessage, allowedHosts: readonly string[]): void {
  if (request.headers.origin === undefined) {
    throw new SallyportError('ACCESS_DENIED', 'A viewer needs an Origin header.');
  }
  checkAccess(request, allowedHosts);
}

/** Names under which a server on loopback may be asked for. Browsers leave the port out where it is 80. */
export function loopbackHosts({ address, port, family }: AddressInfo): readonly string[] {
  const own = family === 'IPv6' ? `[${address}]` : address;
  const names = [...new Set([own, '127.0.0.1', 'localhost', '[::1]'])];
  return [...names.map((name) => `${name}:${port}`), ...(port === 80 ? names : [])];
}

/** Sent with every response. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; style-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

/** Where a link of another page may lead: the front page can be read by nobody else, and cannot be framed. */
const VISITABLE = /^\/(\?|$)/;

/** A user follows a link or types an address, which opens a new page. */
function isVisit({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/** Node keeps the first of several Host headers, while something in front of us may look at the last. */
function onlyHost(request: IncomingMessage): string | undefined {
  const [host, ...others] = request.headersDistinct['host'] ?? [];
  return others.length === 0 ? host?.toLowerCase() : undefined;
}

function otherPage(): SallyportError {
  return new SallyportError('ACCESS_DENIED', 'Requests of other web pages are not answered.');
}
