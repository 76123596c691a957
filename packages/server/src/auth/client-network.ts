import { isIPv6, SocketAddress } from 'node:net';

/**
 * The network that one client is given: its IPv4 address, or the /64 of its IPv6 address (RFC 6177), in which it may use
 * 2^64 addresses. An IPv4 address mapped into IPv6 is that IPv4 address.
 */
export function clientNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(canonical(address))?.[1];
  return mapped ?? `${groupsOf(canonical(address)).slice(0, 4).join(':')}::/64`;
}

/** Lower case, zeros shortened, without a zone: one spelling of each address. */
function canonical(address: string): string {
  return new SocketAddress({ address: address.replace(/%.*$/s, ''), family: 'ipv6' }).address;
}

/** The groups before and after `::`, with the zeros between. A dotted end, which is two groups, never reaches the first four. */
function groupsOf(address: string): readonly string[] {
  const [before = [], after = []] = address.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const written = before.length + after.length + (address.includes('.') ? 1 : 0);
  return [...before, ...Array.from({ length: 8 - written }, () => '0'), ...after];
}
