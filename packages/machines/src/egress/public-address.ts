import { BlockList, isIP } from 'node:net';

/**
 * Everything that is not the public internet: IANA's special-purpose registries (RFC 6890 and later) and
 * multicast. Metadata services of clouds (169.254.169.254, fd00:ec2::254) and CGNAT are among them.
 */
const ranges = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // Addresses that carry an IPv4 address are judged by it below; what is left of these ranges is refused.
  ['::', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const;

const special = new BlockList();
for (const [network, prefix] of ranges) {
  special.addSubnet(network, prefix, network.includes(':') ? 'ipv6' : 'ipv4');
}

/** Whether an address is on the public internet. An IPv4 address mapped into IPv6 is judged as what it is. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  // A zone (`fe80::1%eth0`) only belongs to addresses that are not public.
  if (family === 0 || address.includes('%')) {
    return false;
  }
  // BlockList compares mapped addresses (::ffff:0:0/96) with the IPv4 rules by itself.
  return !special.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
