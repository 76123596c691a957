import { TAP_PREFIX } from './ip-allocator.ts';
import type { NetworkRate } from './network-rate.ts';
import { macOf } from './subnet.ts';

export const BRIDGE = 'fc-bridge0';
export const EGRESS_PORT = 3128;

/** Table and set that hold one element for each machine: its TAP, its MAC and its address, and nothing else may leave a TAP. */
export const PLACES = 'bridge sallyport places';

export interface FilteredPlace {
  readonly tap: string;
  readonly address: string;
}

/**
 * The whole packet filter of the namespace, replaced in one step. Frames: from a TAP come ARP requests for the gateway
 * and IPv4 to the gateway, from the machine's own MAC and address; nothing passes from port to port. So there is no
 * IPv6, VLAN, DHCP, spanning tree, or any destination that the guest could route to, the metadata address included.
 * Packets: the egress port is open, and what answers the server's own connections comes in.
 *
 * Each TAP has a token bucket for either way, from its first frame until a minute after its last, when the bucket is as full as a
 * new one. A machine that sends too fast loses frames before anything else looks at them, and no other machine loses any.
 */
export function packetFilter(gateway: string, places: readonly FilteredPlace[], rate: NetworkRate): string {
  const tooFast = `limit rate over ${rate.bytesPerSecond} bytes/second burst ${rate.burstBytes} bytes`;
  const elements = places.length === 0 ? '' : `elements = { ${places.map(element).join(', ')} }`;
  return `
add table bridge sallyport
delete table bridge sallyport
add table inet sallyport
delete table inet sallyport
table bridge sallyport {
  set places {
    type ifname . ether_addr . ipv4_addr
    ${elements}
  }
  ${bucketSet('sending')}
  ${bucketSet('receiving')}
  counter sent_too_fast {
  }
  counter received_too_fast {
  }
  chain from_guest {
    update @sending { iifname ${tooFast} } counter name sent_too_fast drop
    ether type arp arp operation { request, reply } arp daddr ip ${gateway} iifname . ether saddr . arp saddr ip @places iifname . arp saddr ether . arp saddr ip @places accept
    ether type ip ip daddr ${gateway} iifname . ether saddr . ip saddr @places accept
    counter drop
  }
  chain prerouting {
    type filter hook prerouting priority -300; policy accept;
    iifname "${TAP_PREFIX}*" jump from_guest
  }
  chain output {
    type filter hook output priority 0; policy accept;
    oifname "${TAP_PREFIX}*" update @receiving { oifname ${tooFast} } counter name received_too_fast drop
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
  }
}
table inet sallyport {
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established accept
    iifname "${BRIDGE}" ip daddr ${gateway} tcp dport ${EGRESS_PORT} ct state new accept
    counter drop
  }
  chain forward {
    type filter hook forward priority 0; policy drop;
  }
}
`;
}

export function addElement(place: FilteredPlace): string {
  return `add element ${PLACES} { ${element(place)} }\n`;
}

export function deleteElement(place: FilteredPlace): string {
  return `delete element ${PLACES} { ${element(place)} }\n`;
}

/** A full set limits no further TAP, so it has room for many more than a bridge has ports. */
function bucketSet(name: string): string {
  return `set ${name} {
    type ifname
    size 65535
    flags dynamic,timeout
    timeout 1m
  }`;
}

function element({ tap, address }: FilteredPlace): string {
  return `"${tap}" . ${macOf(address)} . ${address}`;
}
