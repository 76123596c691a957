import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import { SallyportError } from '@sallyport/core';

import type { PublicAddress } from './public-address.ts';

/** Who may send requests from where: what a browser tells of the page that asks. */
export interface AccessRules {
  /** Values of `Host` that are answered. */
  readonly hosts: readonly string[];
  readonly address: PublicAddress;
}

/**
 * A web page in the user's own browser is the attacker. `Host` is checked against DNS rebinding, `Origin` and
 * `Sec-Fetch-Site` against requests of other pages (https://www.w3.org/TR/fetch-metadata/), unless the operator allows them.
 * `curl` sends neither of the last two and works.
 */
export function checkAccess(request: IncomingMessage, { hosts, address }: AccessRules): void {
  const { origin } = request.headers;
  // An absolute address in the request line would outrank `Host` (RFC 9112 §3.2.2); only proxies are sent one.
  if (request.url?.startsWith('/') !== true) {
    throw new SallyportError('ACCESS_DENIED', 'This server is not a proxy: the request line must hold a path.');
  }
  const host = onlyHost(request);
  if (host === undefined || !hosts.includes(host)) {
    throw new SallyportError('ACCESS_DENIED', 'This server does not answer to that host name.', {
      hint: `Use ${address.origin ?? `http://${hosts[0]}`}.`,
    });
  }
  if (origin !== undefined && address.allowedOrigins.includes(origin)) return;
  if (origin !== undefined && origin !== `http://${host}` && origin !== address.origin) throw otherPage();
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin') return;
  if (isVisit(request) && (site === 'none' || VISITABLE.test(request.url))) return;
  if (address.allowedOrigins.length > 0 && isEmbedding(request)) return;
  throw otherPage();
}

/** A viewer upgrade comes from a browser, which always sends Origin. */
export function checkViewerAccess(request: IncomingMessage, rules: AccessRules): void {
  if (request.headers.origin === undefined) {
    throw new SallyportError('ACCESS_DENIED', 'A viewer needs an Origin header.');
  }
  checkAccess(request, rules);
}

/** Names under which a server on loopback may be asked for. Browsers leave the port out where it is 80. */
export function loopbackHosts({ address, port, family }: AddressInfo): readonly string[] {
  const own = family === 'IPv6' ? `[${address}]` : address;
  const names = [...new Set([own, '127.0.0.1', 'localhost', '[::1]'])];
  return [...names.map((name) => `${name}:${port}`), ...(port === 80 ? names : [])];
}

const contentPolicy = (frameAncestors: string): string =>
  `default-src 'self'; img-src 'self' data: blob:; connect-src 'self'; style-src 'self'; script-src 'self'; object-src 'none'; frame-ancestors ${frameAncestors}; base-uri 'none'; form-action 'none'`;

/** Sent with every response. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': contentPolicy("'none'"),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cache-control': 'no-store',
};

/** Of the page with the viewer, in place of the ones above: pages of these origins may hold it in a frame. */
export function viewerHeaders({ allowedOrigins }: PublicAddress): Readonly<Record<string, string>> {
  // `X-Frame-Options` knows no list; browsers that know `frame-ancestors` ignore it.
  return allowedOrigins.length === 0 ? {} : { 'content-security-policy': contentPolicy(allowedOrigins.join(' ')) };
}

/** Where a link of another page may lead: these pages can be read by nobody else, and cannot be framed. */
const VISITABLE = /^\/(connect)?(\?|$)/;
const VIEWER = /^\/api\/auth\/session\/[0-9a-f-]{36}\/novnc(\?|$)/;

/** A user follows a link or types an address, which opens a new page. */
function isVisit({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
}

/** Another page shows the viewer in a frame. Which pages may is up to its `frame-ancestors`. */
function isEmbedding({ method, url = '', headers }: IncomingMessage): boolean {
  const isFrame = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'iframe';
  return method === 'GET' && isFrame && VIEWER.test(url);
}

/** Node keeps the first of several Host headers, while something in front of us may look at the last. */
function onlyHost(request: IncomingMessage): string | undefined {
  const [host, ...others] = request.headersDistinct['host'] ?? [];
  return others.length === 0 ? host?.toLowerCase() : undefined;
}

function otherPage(): SallyportError {
  return new SallyportError('ACCESS_DENIED', 'Requests of other web pages are not answered.');
}
