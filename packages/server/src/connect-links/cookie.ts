import type { PublicAddress } from '../auth/public-address.ts';

/**
 * Binds a link to the browser that has opened it. Sent to no other site (`SameSite=Strict`) and to no script. With TLS its name
 * makes browsers refuse one that another host of the domain has set (RFC 6265bis §4.1.3.2).
 */
export function linkCookie({ origin }: PublicAddress, secret: string, lifetimeMs: number): string {
  const secure = hasTls(origin) ? '; Secure' : '';
  return `${nameFor(origin)}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(lifetimeMs / 1000)}${secure}`;
}

/** `undefined` if the request has none, or another text in its place. */
export function readLinkCookie({ origin }: PublicAddress, header: string | undefined): string | undefined {
  const wanted = nameFor(origin);
  for (const pair of header?.split(';') ?? []) {
    const [name = '', value = ''] = pair.trim().split('=', 2);
    if (name === wanted && /^[A-Za-z0-9_-]{43}$/.test(value)) return value;
  }
  return undefined;
}

function nameFor(origin: string | undefined): string {
  return `${hasTls(origin) ? '__Host-' : ''}sallyport-connect`;
}

function hasTls(origin: string | undefined): boolean {
  return origin?.startsWith('https:') ?? false;
}
