import { createServer } from 'node:net';
import type { Server } from 'node:net';

import { execa } from 'execa';

import { FLOOD_PORT, inside, listenInside } from './guests.ts';

/** What a guest must not reach, put where it would reach it if nothing stopped it. */
export interface Surroundings {
  /** The bridge's neighbours by ARP, a line each, sorted. */
  neighbours(): Promise<string>;
  /** MAC addresses that the bridge knows, a line each, sorted. */
  forwarding(): Promise<string>;
  ipv6(): Promise<string>;
  /** Frames of guests that the filter has dropped. */
  drops(): Promise<number>;
  /** Frames that have come in by a port of the bridge. */
  fromPort(name: string): Promise<number>;
  end(): Promise<void>;
}

/** Frames of all machines that the bridge has dropped because one sent or received too fast. */
export async function tooFast(host: string, way: 'sent' | 'received'): Promise<number> {
  const { stdout } = await inside(host, ['nft', 'list', 'counter', 'bridge', 'sallyport', `${way}_too_fast`]);
  return Number(/packets (\d+)/.exec(String(stdout))?.[1]);
}

/** Counts datagrams for {@link FLOOD_PORT} that have come through the bridge to the host, by the address that sent them. */
export async function countDatagrams(host: string, address: string): Promise<() => Promise<number>> {
  const name = `from_${address.replaceAll('.', '_')}`;
  // Ahead of the bridge's filter of packets, which drops them.
  const rules = `table inet counted {
    counter ${name} {
    }
    chain input {
      type filter hook input priority -10; policy accept;
      ip saddr ${address} udp dport ${FLOOD_PORT} counter name ${name}
    }
  }`;
  await execa('nsenter', [`--net=/run/netns/${host}`, '--', 'nft', '-f', '-'], { input: rules });
  return async () => {
    const { stdout } = await inside(host, ['nft', 'list', 'counter', 'inet', 'counted', name]);
    return Number(/packets (\d+)/.exec(String(stdout))?.[1]);
  };
}

/** An address outside, and one of the host's in the same network. */
export const OUTSIDE = '10.99.0.2';
export const HOST_OUTSIDE = '10.99.0.1';
export const METADATA = '169.254.169.254';
export const HOST_PORTS = [22, 53, 80, 5432, 8080] as const;

/**
 * Gives the bridge's namespace an outside that it never has, with forwarding on, and services of the host's.
 *
 * @param host The bridge's network namespace.
 * @param outside A name for the one beyond it.
 */
export async function createSurroundings(host: string, outside: string): Promise<Surroundings> {
  const ip = (...words: readonly string[]) => execa('ip', words);
  await ip('netns', 'add', outside);
  await ip('-n', host, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', outside);
  await ip('-n', host, 'addr', 'add', `${HOST_OUTSIDE}/24`, 'dev', 'up0');
  await ip('-n', host, 'link', 'set', 'up0', 'up');
  await ip('-n', host, 'addr', 'add', `${METADATA}/32`, 'dev', 'lo');
  await ip('-n', outside, 'addr', 'add', `${OUTSIDE}/24`, 'dev', 'eth0');
  await ip('-n', outside, 'link', 'set', 'eth0', 'up');
  await ip('-n', outside, 'route', 'add', '192.168.100.0/24', 'via', HOST_OUTSIDE);
  await inside(host, ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  const listeners = [await listenInside(host, 'host', HOST_PORTS), await listenInside(outside, 'outside', [80])];
  return {
    neighbours: async () => sorted((await ip('-n', host, 'neigh', 'show', 'dev', 'fc-bridge0')).stdout),
    forwarding: async () => sorted((await execa('bridge', ['-n', host, 'fdb', 'show', 'br', 'fc-bridge0'])).stdout),
    ipv6: async () => (await ip('-n', host, '-6', 'addr', 'show', 'dev', 'fc-bridge0')).stdout,
    drops: async () => {
      const { stdout } = await inside(host, ['nft', 'list', 'chain', 'bridge', 'sallyport', 'from_guest']);
      return Number(/counter packets (\d+)/.exec(String(stdout))?.[1]);
    },
    fromPort: async (name) => JSON.parse((await ip('-n', host, '-s', '-j', 'link', 'show', name)).stdout)[0].stats64.rx.packets,
    end: async () => {
      for (const end of listeners) await end();
      await execa('ip', ['netns', 'delete', outside], { reject: false });
    },
  };
}

/** Stands where a machine's egress proxy would, and says to everybody whose it is. */
export async function listenAsProxy(name: string, path: string): Promise<Server> {
  const server = createServer((socket) => socket.on('error', () => {}).end(`proxy of ${name}`));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

/** Takes away what stops guests: the filter, and what keeps ports apart from each other. */
export async function openBridge(host: string, taps: readonly string[]): Promise<void> {
  await inside(host, ['nft', 'flush', 'ruleset']);
  for (const tap of taps) {
    const apart = ['isolated', 'off', 'flood', 'on', 'bcast_flood', 'on'];
    await execa('bridge', ['-n', host, 'link', 'set', 'dev', tap, ...apart]);
  }
}

/** The kernel lists its hash tables in the order of their buckets, which changes when a table grows. */
function sorted(lines: string): string {
  return lines.split('\n').toSorted().join('\n');
}
