import { SallyportError } from '@sallyport/core';

import type { Namespace, NftListing } from './namespace.ts';
import { addElement, BRIDGE, deleteElement, PLACES } from './packet-filter.ts';
import type { FilteredPlace } from './packet-filter.ts';
import { TAP_PREFIX } from './ip-allocator.ts';
import type { PlaceRecord } from './ip-allocator.ts';
import { macOf } from './subnet.ts';

/** What the kernel has of machines, also of those of other servers. */
export interface KernelState {
  readonly taps: readonly string[];
  readonly elements: readonly FilteredPlace[];
  /** Addresses with a fixed MAC. */
  readonly neighbours: readonly string[];
}

export async function readKernelState(namespace: Namespace): Promise<KernelState> {
  const links: readonly { ifname: string }[] = JSON.parse(await namespace.ip('-j', 'link', 'show'));
  const listed = await namespace.ip('-j', 'neigh', 'show', 'dev', BRIDGE, 'nud', 'permanent');
  // Some versions print nothing at all for an empty list.
  const neighbours: readonly { dst: string }[] = JSON.parse(listed.trim() || '[]');
  return {
    taps: links.map(({ ifname }) => ifname).filter((name) => name.startsWith(TAP_PREFIX)),
    elements: readElements(await namespace.listNft('list', 'set', ...PLACES.split(' '))),
    neighbours: neighbours.map(({ dst }) => dst),
  };
}

/** Everything a machine needs of the kernel. It may have some already; the TAP is opened to the guest last. */
export async function addPort(
  namespace: Namespace,
  { address, tap }: PlaceRecord,
  state: KernelState,
  owner: number | undefined,
): Promise<void> {
  const mac = macOf(address);
  if (!state.taps.includes(tap)) {
    const user = owner === undefined ? [] : ['user', String(owner)];
    await namespace.ip('tuntap', 'add', tap, 'mode', 'tap', ...user);
  }
  await namespace.ip('link', 'set', tap, 'master', BRIDGE);
  await namespace.bridge('link', 'set', 'dev', tap, ...PORT_FLAGS.flat());
  await requireFlags(namespace, tap);
  await namespace.bridge('fdb', 'replace', mac, 'dev', tap, 'master', 'static');
  const stale = state.elements.filter((place) => (place.tap === tap) !== (place.address === address));
  await namespace.nft([...stale.map(deleteElement), addElement({ tap, address })].join(''));
  await namespace.ip('neigh', 'replace', address, 'lladdr', mac, 'dev', BRIDGE, 'nud', 'permanent');
  await namespace.ip('link', 'set', tap, 'up');
}

/** Takes away what the kernel has for these names; returns what that was. What is absent is not an error. */
export async function removePorts(
  namespace: Namespace,
  state: KernelState,
  isGone: { tap(name: string): boolean; address(address: string): boolean },
): Promise<readonly string[]> {
  const elements = state.elements.filter(({ tap, address }) => isGone.tap(tap) || isGone.address(address));
  const taps = state.taps.filter((tap) => isGone.tap(tap));
  const neighbours = state.neighbours.filter((address) => isGone.address(address));
  // The filter first: from then on nothing comes out of the machine.
  if (elements.length > 0) await namespace.nft(elements.map(deleteElement).join(''));
  for (const tap of taps) await namespace.ip('link', 'delete', tap);
  for (const address of neighbours) await namespace.ip('neigh', 'delete', address, 'dev', BRIDGE);
  return [
    ...elements.map(({ tap, address }) => `filter element ${tap} ${address}`),
    ...taps.map((tap) => `TAP ${tap}`),
    ...neighbours.map((address) => `neighbour ${address}`),
  ];
}

/** What a port may do: speak to the bridge itself, and hear what is meant for its one MAC. */
const PORT_FLAGS = [
  ['isolated', 'on'],
  ['learning', 'off'],
  ['flood', 'off'],
  ['mcast_flood', 'off'],
  ['bcast_flood', 'off'],
  ['hairpin', 'off'],
  ['guard', 'on'],
] as const;

/** Old kernels take flags that they do not know without a word, so what they made of them is read back. */
async function requireFlags(namespace: Namespace, tap: string): Promise<void> {
  const [link]: readonly { linkinfo?: { info_slave_data?: Record<string, unknown> } }[] = JSON.parse(
    await namespace.ip('-d', '-j', 'link', 'show', tap),
  );
  const found = link?.linkinfo?.info_slave_data ?? {};
  const wrong = PORT_FLAGS.filter(([flag, wanted]) => found[flag] !== (wanted === 'on')).map(([flag]) => flag);
  if (wrong.length > 0) {
    throw new SallyportError(
      'CONFIG_HOST_UNSUITABLE',
      `This kernel's bridge does not have ${wrong.join(', ')} for ${tap}.`,
      {
        hint: 'Machines on it could reach each other. Use Linux 5.10 or newer with iproute2 of the same age.',
      },
    );
  }
}

function readElements({ nftables }: NftListing): readonly FilteredPlace[] {
  return nftables.flatMap(({ set }) =>
    (set?.elem ?? []).map(({ concat: [tap = '', , address = ''] }) => ({ tap, address })),
  );
}
