import { BlockList, isIP } from 'node:net';

/** Proxies in front of this server, whose `X-Forwarded-For` is believed. */
export interface TrustedProxies {
  /** Addresses and networks, such as `10.0.0.0/8`. */
  readonly ranges: readonly string[];
  includes(address: string): boolean;
}

export function createTrustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return { ranges, includes: (address) => isIP(address) !== 0 && list.check(address, familyOf(address)) };
}

/** Whether this is an address or a network in CIDR notation. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
