import { mkdir, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { createSerialQueue } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';

import { once } from '../host/once.ts';
import { endLeftovers, identifyProcess } from '../host/process.ts';
import { addPort, readKernelState, removePorts } from './bridge-ports.ts';
import { checkNetworkHost } from './doctor.ts';
import type { AttachOptions, MachineNetwork, NetworkAttachment } from './machine-network.ts';
import { createNamespace, findProcesses, namespaceName, runCommand } from './namespace.ts';
import type { Namespace, RunCommand } from './namespace.ts';
import { startHelper } from './network-helper.ts';
import type { NetworkHelper } from './network-helper.ts';
import { defaultNetworkRate, requireNetworkRate } from './network-rate.ts';
import type { NetworkRate } from './network-rate.ts';
import { BRIDGE, EGRESS_PORT, packetFilter } from './packet-filter.ts';
import { openIpAllocator } from './ip-allocator.ts';
import type { IpAllocator, PlaceRecord } from './ip-allocator.ts';
import { macOf, parseSubnet } from './subnet.ts';

export interface BridgeNetworkOptions {
  /** Which addresses are taken is kept in `network/` below it. Names the namespace together with `name`. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Tells two networks of one data directory apart. Default `machines`. */
  readonly name?: string;
  /** Default 192.168.100.0/24. It is in a separate namespace, so it may be any, also one the host uses elsewhere. */
  readonly subnet?: string;
  /** How long an address rests before another machine gets it. Default one minute. */
  readonly quarantineMs?: number;
  /** What each machine may send and receive. Default {@link defaultNetworkRate}: 50 Mbit/s each way. */
  readonly rate?: NetworkRate;
  /** How programs are run. Default: they are. */
  readonly run?: RunCommand;
}

/**
 * All virtual machines of a deployment on one bridge in a separate network namespace, with one TAP each. They reach
 * the egress gateway there and nothing else. Needs root, `ip` and `nft`; nothing of the host's own network is touched.
 */
export function createBridgeNetwork(options: BridgeNetworkOptions): MachineNetwork {
  const { clock, name = 'machines', quarantineMs = 60_000, run = runCommand } = options;
  const subnet = parseSubnet(options.subnet ?? '192.168.100.0/24');
  const rate = requireNetworkRate(options.rate ?? defaultNetworkRate);
  // One change at a time: each begins with what there is.
  const inTurn = createSerialQueue();
  const opened = once(open);

  async function open(): Promise<Opened> {
    if (process.geteuid?.() !== 0) {
      throw new SallyportError('CONFIG_HOST_UNSUITABLE', 'A bridge and TAP devices for machines need root.', {
        hint: 'Run the server as root, or choose the network that needs no privilege.',
      });
    }
    await mkdir(options.dataDirectory, { recursive: true });
    const dataDirectory = await realpath(options.dataDirectory);
    const file = join(dataDirectory, 'network', `${name}.json`);
    const book = await openIpAllocator({ file, addresses: subnet.addresses, quarantineMs, clock });
    const namespace = createNamespace(namespaceName(dataDirectory, name), run);
    await prepare(namespace, subnet, packetFilter(subnet.gateway, [...book.records.values()], rate));
    const controlSocket = `/run/sallyport/${namespace.name}/control.sock`;
    const helper = await startHelper({
      enter: namespace.enter,
      controlSocket,
      gateway: subnet.gateway,
      egressPort: EGRESS_PORT,
      clock,
      endOthers: async () => {
        for (const pid of await findProcesses(namespace, controlSocket)) {
          const leader = await identifyProcess(pid);
          if (leader) await endLeftovers({ leader }, clock);
        }
      },
    });
    return { namespace, book, helper, controlSocket };
  }

  async function attach(machineId: string, { egressSocket, owner, signal }: AttachOptions): Promise<NetworkAttachment> {
    signal.throwIfAborted();
    const { namespace, book, helper } = await opened();
    const state = await readKernelState(namespace);
    // A machine whose record is lost may still run: what it has is not given away.
    const record = await book.take(machineId, [
      ...state.elements,
      ...state.taps.map((tap) => ({ tap, address: '' })),
      ...state.neighbours.map((address) => ({ tap: '', address })),
    ]);
    try {
      await addPort(namespace, record, state, owner);
      await helper.open(record.address, egressSocket);
      signal.throwIfAborted();
    } catch (error) {
      await detach(machineId).catch(() => {});
      throw error;
    }
    return describePlace(machineId, record, namespace, helper);
  }

  async function detach(machineId: string): Promise<void> {
    const { namespace, book, helper } = await opened();
    const record = book.records.get(machineId);
    if (!record) return;
    await helper.close(record.address);
    await removePorts(namespace, await readKernelState(namespace), {
      tap: (tap) => tap === record.tap,
      address: (address) => address === record.address,
    });
    // Last, so that a server that is killed before finds all of it again.
    await book.giveBack(machineId);
  }

  async function reconcile(machineIds: ReadonlySet<string>): Promise<readonly string[]> {
    const { namespace, book, helper } = await opened();
    const gone = [...book.records].filter(([machineId]) => !machineIds.has(machineId));
    const kept = [...book.records].filter(([machineId]) => machineIds.has(machineId)).map(([, record]) => record);
    for (const [, { address }] of gone) await helper.close(address);
    const removed = await removePorts(namespace, await readKernelState(namespace), {
      tap: (tap) => !kept.some((record) => record.tap === tap),
      address: (address) => !kept.some((record) => record.address === address),
    });
    for (const [machineId] of gone) await book.giveBack(machineId);
    return [...removed, ...gone.map(([machineId, { address }]) => `address ${address} of ${machineId}`)];
  }

  function describePlace(
    machineId: string,
    { address, tap }: PlaceRecord,
    namespace: Namespace,
    helper: NetworkHelper,
  ): NetworkAttachment {
    return {
      address,
      netmask: subnet.netmask,
      gateway: subnet.gateway,
      mac: macOf(address),
      egress: { host: subnet.gateway, port: EGRESS_PORT },
      tap,
      namespace: namespace.file,
      netdev: `tap,ifname=${tap},script=no,downscript=no`,
      needsSpawn: false,
      enter: namespace.enter,
      connect: (port, { signal }) => helper.connect(address, port, { signal }),
      detach: () => inTurn(() => detach(machineId)),
    };
  }

  return {
    name: 'bridge',
    isolation: 'each has an isolated port of a bridge, whose only egress is its egress proxy',
    attach: (machineId, attachOptions) => inTurn(() => attach(machineId, attachOptions)),
    detach: (machineId) => inTurn(() => detach(machineId)),
    reconcile: (machineIds) => inTurn(() => reconcile(machineIds)),
    doctor: () => checkNetworkHost(packetFilter(subnet.gateway, [], rate)),
    close: () =>
      inTurn(async () => {
        const current = await opened.forget();
        await current?.helper.stop();
        await current?.namespace.remove();
        if (current) await rm(dirname(current.controlSocket), { recursive: true, force: true });
      }),
  };
}

interface Opened {
  readonly namespace: Namespace;
  readonly book: IpAllocator;
  readonly helper: NetworkHelper;
  readonly controlSocket: string;
}

/** Namespace, packet filter and bridge, as they must be whatever an earlier server left. The filter is there first. */
async function prepare(
  namespace: Namespace,
  subnet: { readonly gateway: string; readonly prefix: number },
  filter: string,
): Promise<void> {
  await namespace.ensure();
  await namespace.set(KERNEL_SETTINGS);
  await namespace.nft(filter);
  // They are there once the filter asks for connections.
  await namespace.set(CONNECTION_TIMES);
  const links: readonly { ifname: string }[] = JSON.parse(await namespace.ip('-j', 'link', 'show'));
  if (!links.some(({ ifname }) => ifname === BRIDGE)) {
    await namespace.ip('link', 'add', BRIDGE, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0');
  }
  await namespace.ip('link', 'set', BRIDGE, 'type', 'bridge', 'mcast_snooping', '0');
  // A fixed MAC; otherwise it takes on the lowest of its ports', and guests lose their gateway.
  await namespace.ip('link', 'set', BRIDGE, 'address', macOf(subnet.gateway));
  await namespace.ip('addr', 'replace', `${subnet.gateway}/${subnet.prefix}`, 'dev', BRIDGE);
  await namespace.ip('link', 'set', 'lo', 'up');
  await namespace.ip('link', 'set', BRIDGE, 'up');
}

const KERNEL_SETTINGS = {
  'ipv6/conf/all/disable_ipv6': '1',
  'ipv6/conf/default/disable_ipv6': '1',
  'ipv4/ip_forward': '0',
  'ipv4/conf/all/rp_filter': '1',
  'ipv4/conf/all/arp_ignore': '1',
  'ipv4/conf/all/accept_redirects': '0',
  'ipv4/conf/all/send_redirects': '0',
  'ipv4/icmp_echo_ignore_all': '1',
};

/**
 * How long the kernel knows a connection that says nothing, in seconds: shorter than an address rests by default, so that nothing is
 * known of a machine when the next gets its address. The kernel's own times go up to five days. A connection that is open and
 * silent is asked for a sign of life every 30 s.
 */
const CONNECTION_TIMES = Object.fromEntries([
  ['netfilter/nf_conntrack_tcp_timeout_established', '50'],
  ...['syn_sent', 'syn_recv', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'max_retrans', 'unacknowledged'].map(
    (state): [string, string] => [`netfilter/nf_conntrack_tcp_timeout_${state}`, '30'],
  ),
]);
