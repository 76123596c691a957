import { basename } from 'node:path';

import { execa } from 'execa';

import type { AttachOptions, MachineNetwork, NetworkAttachment } from '../machine-network.ts';

/** A machine that is a namespace: its network card is one end of a pair whose other end is the machine's bridge port. */
export interface Guest {
  readonly place: NetworkAttachment;
  readonly namespace: string;
  ip(...words: readonly string[]): Promise<string>;
  sysctl(key: string, value: string): Promise<void>;
  /** {@link probeFrom} inside. */
  probe(host: string, port: number, source?: string): Promise<string>;
  /** Its IPv6 address, which Linux gives every card; absent where this host has no IPv6. */
  linkLocal(): Promise<string | undefined>;
  /** Frames its card has received. */
  received(): Promise<number>;
  /** Takes its namespace away. */
  end(): Promise<void>;
}

export async function createGuest(
  network: MachineNetwork,
  machineId: string,
  namespace: string,
  options: AttachOptions,
): Promise<Guest> {
  const { tap = '', enter } = await network.attach(machineId, options);
  const bridged = networkNamespace(enter);
  await execa('ip', ['netns', 'add', namespace]);
  await execa('ip', ['-n', bridged, 'link', 'delete', tap]);
  await execa('ip', ['-n', bridged, 'link', 'add', tap, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace]);
  // Repeated, it is the same place, and the port gets again what a port gets.
  const place = await network.attach(machineId, options);
  const ip = async (...words: readonly string[]): Promise<string> =>
    (await execa('ip', ['-n', namespace, ...words])).stdout;
  const guest: Guest = {
    place,
    namespace,
    ip,
    sysctl: async (key, value) => {
      await inside(namespace, ['sh', '-c', `[ ! -e /proc/sys/net/${key} ] || echo ${value} > /proc/sys/net/${key}`]);
    },
    probe: (host, port, source) => probeFrom(namespace, host, port, source),
    linkLocal: async () => {
      const [link] = JSON.parse((await ip('-j', '-6', 'addr', 'show', 'dev', 'eth0')) || '[]');
      return link?.addr_info?.[0]?.local;
    },
    received: async () => {
      const [link] = JSON.parse(await ip('-s', '-j', 'link', 'show', 'eth0'));
      return link.stats64.rx.packets;
    },
    end: async () => {
      await execa('ip', ['netns', 'delete', namespace], { reject: false });
    },
  };
  // A hostile guest does not let itself be told about better routes.
  await guest.sysctl('ipv4/conf/all/accept_redirects', '0');
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'set', 'eth0', 'address', place.mac, 'up');
  await ip('addr', 'add', `${place.address}/24`, 'dev', 'eth0');
  await ip('route', 'add', 'default', 'via', place.gateway);
  return guest;
}

export function networkNamespace(enter: readonly string[]): string {
  return basename(enter.find((word) => word.startsWith('--net=')) ?? '');
}

export function inside(namespace: string, command: readonly string[]): ReturnType<typeof execa> {
  return execa('nsenter', [`--net=/run/netns/${namespace}`, '--', ...command]);
}

/** Listens on these ports of all addresses and says its name to everybody. Ends with its standard input. */
export async function listenInside(namespace: string, name: string, ports: readonly number[]): Promise<() => Promise<void>> {
  const script = `
    const net = require('node:net');
    process.stdin.on('end', () => process.exit()).resume();
    for (const port of ${JSON.stringify(ports)})
      net.createServer((s) => { s.on('error', () => {}); s.end(${JSON.stringify(name)}); }).listen(port, () => console.log(port));`;
  const child = execa('nsenter', [`--net=/run/netns/${namespace}`, '--', process.execPath, '-e', script]);
  // Each port is a line.
  await new Promise<void>((resolve) => {
    let left = ports.length;
    child.stdout.on('data', (data) => {
      left -= String(data).split('\n').length - 1;
      if (left === 0) resolve();
    });
  });
  return async () => {
    child.stdin.end();
    await child.catch(() => {});
  };
}

/** Whether every connection in a namespace is over, down to its last acknowledgement: nothing comes of them any more. */
export async function isQuiet(namespace: string): Promise<boolean> {
  const { stdout } = await inside(namespace, ['ss', '-Htan', 'state', 'connected', 'exclude', 'time-wait']);
  return stdout === '';
}

/** Where nobody listens. */
export const FLOOD_PORT = 9;

/** Sends this many datagrams of 1 KiB from a namespace, as fast as it can, and waits until they are on their way. */
export async function sendDatagrams(namespace: string, host: string, count: number): Promise<void> {
  const script = `
    const socket = require('node:dgram').createSocket('udp4');
    const data = Buffer.alloc(1024);
    let left = ${count};
    // Nobody listens, and that comes back as an error of a later send.
    socket.on('error', () => {});
    const next = () => (left-- > 0 ? socket.send(data, ${FLOOD_PORT}, ${JSON.stringify(host)}, next) : socket.close());
    next();`;
  await inside(namespace, [process.execPath, '-e', script]);
}

const PROBE_MS = 700;

/**
 * What a connection from a namespace comes to: the first line of what the other side says, after `say` if that is given, the
 * error's code, or `no answer`.
 */
export async function probeFrom(
  namespace: string,
  host: string,
  port: number,
  source?: string,
  say?: string,
): Promise<string> {
  const script = `
    const socket = require('node:net').connect(${JSON.stringify({ host, port, ...(source !== undefined && { localAddress: source }) })});
    const say = (text) => { console.log(text); process.exit(); };
    setTimeout(() => say('no answer'), ${PROBE_MS});
    ${say === undefined ? '' : `socket.write(${JSON.stringify(say)});`}
    socket.once('data', (data) => say(String(data).split('\\r\\n')[0])).once('error', (error) => say(error.code)).once('close', () => say('closed'));`;
  const { stdout } = await inside(namespace, [process.execPath, '-e', script]);
  return String(stdout);
}
