import { isIPv4, isIPv6 } from 'node:net';

/** Whether only this host can reach the address (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  // The URL parser knows every spelling of ::1, and no zone.
  if (isIPv6(host)) return URL.canParse(`http://[${host}]`) && new URL(`http://[${host}]`).hostname === '[::1]';
  return host === 'localhost';
}

export const loopbackOnly =
  'must be a loopback address such as 127.0.0.1: there is no sign-in yet, so anyone who reached the server could use every account';
