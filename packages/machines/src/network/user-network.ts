import { createHash } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import { AGENT_PORT, createSerialQueue } from '@sallyport/core/driver';
import type { Clock } from '@sallyport/core';

import { once } from '../host/once.ts';
import type { AttachOptions, MachineNetwork, NetworkAttachment } from './machine-network.ts';
import { openIpAllocator } from './ip-allocator.ts';
import type { IpAllocator, PlaceRecord } from './ip-allocator.ts';
import { macOf, parseSubnet } from './subnet.ts';
import { connectToOwn } from './user/connect-to-own.ts';
import { checkUserNetworkHost } from './user/doctor.ts';
import { netdevWords } from './user/netdev.ts';
import { openWays } from './user/ways.ts';
import type { Ways } from './user/ways.ts';

export interface UserNetworkOptions {
  /** Which addresses are taken, and where each machine's egress leads, is kept in `network/` below it. */
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** Tells two networks of one data directory apart. Default `user`. */
  readonly name?: string;
  /** How long an address rests before another machine gets it. Default one minute. */
  readonly quarantineMs?: number;
}

/**
 * A network for each virtual machine by itself, inside QEMU's own process: no bridge, no TAP and no privilege. QEMU
 * speaks TCP for the guest, lets nothing through but the way to the egress proxy, and listens for the server at a
 * loopback address that is the machine's alone.
 */
export function createUserNetwork(options: UserNetworkOptions): MachineNetwork {
  const { clock, name = 'user', quarantineMs = 60_000 } = options;
  // One change at a time: each begins with what there is.
  const inTurn = createSerialQueue();
  const opened = once(open);

  async function open(): Promise<Opened> {
    await mkdir(options.dataDirectory, { recursive: true });
    const dataDirectory = await realpath(options.dataDirectory);
    const folder = join(dataDirectory, 'network');
    const { addresses } = parseSubnet(loopbackSubnet(dataDirectory, name));
    const book = await openIpAllocator({ file: join(folder, `${name}.json`), addresses, quarantineMs, clock });
    return { book, ways: await openWays(join(folder, `${name}-ways`)) };
  }

  async function attach(machineId: string, { egressSocket, owner, signal }: AttachOptions): Promise<NetworkAttachment> {
    signal.throwIfAborted();
    const { book, ways } = await opened();
    const record = await book.take(machineId, []);
    await ways.lead(machineId, egressSocket);
    return describePlace(machineId, record, ways, owner);
  }

  async function detach(machineId: string): Promise<void> {
    const { book, ways } = await opened();
    await ways.remove(machineId);
    await book.giveBack(machineId);
  }

  async function reconcile(machineIds: ReadonlySet<string>): Promise<readonly string[]> {
    const { book, ways } = await opened();
    const removed: string[] = [];
    for (const machineId of await ways.list()) {
      if (machineIds.has(machineId)) continue;
      await ways.remove(machineId);
      removed.push(`egress of ${machineId}`);
    }
    for (const [machineId, { address }] of book.records) {
      if (machineIds.has(machineId)) continue;
      await book.giveBack(machineId);
      removed.push(`address ${address} of ${machineId}`);
    }
    return removed;
  }

  function describePlace(
    machineId: string,
    { address }: PlaceRecord,
    ways: Ways,
    owner = process.geteuid?.() ?? 0,
  ): NetworkAttachment {
    return {
      address: GUEST.address,
      netmask: GUEST.netmask,
      gateway: GUEST.gateway,
      mac: macOf(GUEST.address),
      egress: GUEST.egress,
      netdev: netdevWords({ ...GUEST, listen: { host: address, port: AGENT_PORT }, way: ways.socketOf(machineId) }),
      needsSpawn: true,
      enter: [],
      connect: async (port, { signal }) => {
        if (port !== AGENT_PORT) {
          throw new SallyportError(
            'AGENT_UNREACHABLE',
            `Only port ${AGENT_PORT} of ${machineId} is led in, not ${port}.`,
          );
        }
        return connectToOwn({ host: address, port, owner, signal });
      },
      detach: () => inTurn(() => detach(machineId)),
    };
  }

  return {
    name: 'user',
    isolation: "each has a separate network inside its monitor's process, whose only egress is its egress proxy",
    attach: (machineId, attachOptions) => inTurn(() => attach(machineId, attachOptions)),
    detach: (machineId) => inTurn(() => detach(machineId)),
    reconcile: (machineIds) => inTurn(() => reconcile(machineIds)),
    doctor: () => checkUserNetworkHost(loopbackSubnet(options.dataDirectory, name)),
    // Everything a machine has of it ends with its monitor.
    close: async () => {},
  };
}

interface Opened {
  readonly book: IpAllocator;
  readonly ways: Ways;
}

/** The same in every machine: they never meet. So a snapshot of one is a snapshot of any. */
const GUEST = {
  subnet: '10.0.2.0/24',
  address: '10.0.2.15',
  netmask: '255.255.255.0',
  gateway: '10.0.2.2',
  egress: { host: '10.0.2.100', port: 3128 },
} as const;

/**
 * Linux answers at every address of 127.0.0.0/8. A machine's own, below one that is its deployment's own, has its agent
 * at the usual port: no port has to be found free, and none is anybody else's a moment later.
 */
function loopbackSubnet(dataDirectory: string, name: string): string {
  const [first = 0, second = 0] = createHash('sha256').update(`${dataDirectory}\0${name}`).digest();
  // 127.0.0.0/16 has what the host's own programs listen at.
  return `127.${1 + (first % 255)}.${second}.0/24`;
}
