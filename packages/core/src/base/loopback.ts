/** What counts as this host alone: for servers that listen, sign-in callbacks, and what goes past a proxy. */

/** Whether only this host can reach the address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3 and §2.5.5.2). */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  // The URL parser knows every spelling of ::1, and no zone. Of IPv4 it reads shortened forms too, which name no host here.
  if (/^[\da-f:.]*:[\da-f:.]*$/i.test(host)) {
    return /^\[::(?:1|ffff:7f[\da-f]{2}:[\da-f]{1,4})\]$/.test(URL.parse(`http://[${host}]`)?.hostname ?? '');
  }
  return /^127(\.\d{1,3}){3}$/.test(host) && URL.parse(`http://${host}`)?.hostname === host;
}

/** Addresses at which a CLI may wait for its sign-in callback, and at which one is received for it. */
export const callbackAddresses = ['127.0.0.1', '::1'] as const;

/** The same as a URL writes them, with their name (RFC 8252 §7.3). */
export const callbackHosts: readonly string[] = ['127.0.0.1', '[::1]', 'localhost'];

/** For NO_PROXY. Programs differ in what they read: names, addresses, networks, IPv6 with and without brackets. */
export const unproxiedHosts = ['localhost', '127.0.0.1', '127.0.0.0/8', '::1', '[::1]', '0.0.0.0'] as const;
