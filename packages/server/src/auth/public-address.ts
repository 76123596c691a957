import { isLoopback } from '@sallyport/core/driver';

/** Where users and other pages find this server. */
export interface PublicAddress {
  /** Origin under which users reach it, such as `https://connect.example.com`; `undefined`: on loopback, as they typed it. */
  readonly origin: string | undefined;
  /** Origins of pages that may call the API and embed the viewer. */
  readonly allowedOrigins: readonly string[];
}

export const loopbackAddress: PublicAddress = { origin: undefined, allowedOrigins: [] };

/**
 * The origin of an address that names a host and nothing else: https, or http on loopback. `undefined` for every other text.
 */
export function secureOrigin(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return undefined;
  // A path would be lost, and an origin is compared letter by letter.
  const isOrigin = url.href === `${url.origin}/` && (text === url.origin || text === url.href);
  // In a content security policy, a star stands for every name.
  return isOrigin && isSecure(url) && !url.host.includes('*') ? url.origin : undefined;
}

/** Whether nobody on the way can read or change what is sent there: https, or http on loopback. */
export function isSecure(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isOnLoopback(url));
}

/** Whether only this computer can reach the origin. */
export function isLoopbackOrigin(origin: string): boolean {
  return isOnLoopback(new URL(origin));
}

function isOnLoopback({ hostname }: URL): boolean {
  return isLoopback(hostname.replace(/^\[|\]$/g, ''));
}

/** Where a link that is given out leads to, for a request that came with this `Host`. */
export function baseUrl({ origin }: PublicAddress, host: string | undefined): string {
  return origin ?? `http://${host}`;
}
