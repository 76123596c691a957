import { BlockList, isIPv6 } from 'node:net';

interface Cause {
  readonly ranges: readonly (readonly [network: string, prefix: number])[];
  /** Who usually answers with such an address. */
  readonly source: string;
  /** What the operator does about it. */
  readonly fix: string;
}

const OTHER_EGRESS = 'or set `egress` in the configuration to a proxy';

/** In this order: the first one that contains the address counts. */
const causes: readonly Cause[] = [
  {
    ranges: [['198.18.0.0', 15]],
    source: 'A proxy or VPN program, such as Clash in fake-IP mode, answers the name lookups of this host',
    fix: `Turn its fake-IP mode off for this host, ${OTHER_EGRESS}.`,
  },
  {
    ranges: [
      ['64:ff9b::', 96],
      ['64:ff9b:1::', 48],
    ],
    source: 'The name service of this host translates IPv4 addresses for NAT64 (DNS64)',
    fix: `Use a name service without DNS64 on this host, ${OTHER_EGRESS}.`,
  },
  {
    ranges: [
      ['0.0.0.0', 8],
      ['127.0.0.0', 8],
      ['::', 127],
    ],
    source: 'A block list, such as Pi-hole or /etc/hosts, answers the name lookups of this host',
    fix: 'Take the host off that list, or use another name service on this host.',
  },
  {
    ranges: [['100.64.0.0', 10]],
    source: 'An overlay network, such as Tailscale, or a carrier network answers the name lookups of this host',
    fix: `Use a public name service on this host, ${OTHER_EGRESS}.`,
  },
];

const anyOther: Omit<Cause, 'ranges'> = {
  source: 'The name service of this host gives an address of a private or reserved range',
  fix: `Check /etc/resolv.conf and /etc/hosts on this host, ${OTHER_EGRESS}.`,
};

/** For the operator: why a name resolved to an address that is not public, and what to do. */
export function explainAddress(host: string, address: string): string {
  const { source, fix } = causes.find(({ ranges }) => contains(ranges, address)) ?? anyOther;
  return `${host} resolves to ${address}, which is not a public address. ${source}. ${fix}`;
}

function contains(ranges: Cause['ranges'], address: string): boolean {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, isIPv6(network) ? 'ipv6' : 'ipv4');
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
