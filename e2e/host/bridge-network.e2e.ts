import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { requirement } from '../../test/setup/requirements.ts';
import { until } from '../../test/setup/until.ts';
import { identifyProcess } from '../../packages/machines/src/host/process.ts';
import {
  createGuest,
  inside,
  isQuiet,
  listenInside,
  networkNamespace,
  probeFrom,
  sendDatagrams,
} from '../../packages/machines/src/network/__fixtures__/guests.ts';
import type { Guest } from '../../packages/machines/src/network/__fixtures__/guests.ts';
import {
  countDatagrams,
  createSurroundings,
  listenAsProxy,
  HOST_OUTSIDE,
  HOST_PORTS,
  METADATA,
  openBridge,
  OUTSIDE,
  tooFast,
} from '../../packages/machines/src/network/__fixtures__/surroundings.ts';
import type { Surroundings } from '../../packages/machines/src/network/__fixtures__/surroundings.ts';
import { createBridgeNetwork } from '../../packages/machines/src/network/bridge-network.ts';
import { readKernelState } from '../../packages/machines/src/network/bridge-ports.ts';
import type { MachineNetwork, NetworkAttachment } from '../../packages/machines/src/network/machine-network.ts';
import type { NetworkRate } from '../../packages/machines/src/network/network-rate.ts';
import { createNamespace, runCommand } from '../../packages/machines/src/network/namespace.ts';
import type { RunCommand } from '../../packages/machines/src/network/namespace.ts';
import { macOf } from '../../packages/machines/src/network/subnet.ts';

const works = process.geteuid?.() === 0 && requirement('network').met;
/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();
const FIRST = 'm-aaaaaaaabbbbbbbbcccc';
const SECOND = 'm-aaaaaaaaddddddddeeee';

describe.runIf(works)('the network of virtual machines', () => {
  let directory: string;
  let dataDirectory: string;
  let network: MachineNetwork;
  const servers: Server[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-network-'));
    dataDirectory = join(directory, 'data');
    network = open();
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await network.close();
    await rm(directory, { recursive: true });
  });

  function open(options: { run?: RunCommand; rate?: NetworkRate } = {}): MachineNetwork {
    return createBridgeNetwork({ dataDirectory, clock: systemClock, quarantineMs: 0, ...options });
  }

  async function proxy(name: string): Promise<string> {
    const path = join(directory, `${name}.sock`);
    servers.push(await listenAsProxy(name, path));
    return path;
  }

  describe('with two hostile guests', () => {
    const namespaces = { a: `spt-a-${process.pid}`, b: `spt-b-${process.pid}`, out: `spt-o-${process.pid}` };
    let a: Guest;
    let b: Guest;
    let host: string;
    let surroundings: Surroundings;
    const listeners: (() => Promise<void>)[] = [];

    beforeEach(async () => {
      a = await createGuest(network, FIRST, namespaces.a, { egressSocket: await proxy('a'), signal });
      b = await createGuest(network, SECOND, namespaces.b, { egressSocket: await proxy('b'), signal });
      host = networkNamespace(a.place.enter);
      surroundings = await createSurroundings(host, namespaces.out);
      listeners.push(
        await listenInside(namespaces.a, 'guest a', [8080]),
        await listenInside(namespaces.b, 'guest b', [8080]),
      );
    });

    afterEach(async () => {
      for (const end of listeners.splice(0)) await end();
      await surroundings.end();
      for (const guest of [a, b]) await guest.end();
    });

    it('leaves open the way to the own egress proxy and the way of the server to a guest, and nothing else', async () => {
      const rows: { readonly probe: string; readonly wanted: string; readonly found: string }[] = [];
      const row = async (probe: string, wanted: string, found: Promise<string>): Promise<void> => {
        rows.push({ probe, wanted, found: await found });
      };
      const { address, gateway, mac } = a.place;
      const silence = 'no answer';
      const own = 'proxy of a';

      await row('A -> its egress proxy', own, a.probe(gateway, 3128));
      await row('B -> its egress proxy', 'proxy of b', b.probe(gateway, 3128));
      await row('server -> A', 'guest a', firstWords(a));
      await row('server -> B', 'guest b', firstWords(b));

      // From here on B asks nobody anything, so whatever it gets comes from A.
      await b.ip('neigh', 'replace', gateway, 'lladdr', macOf(gateway), 'dev', 'eth0', 'nud', 'permanent');
      // The last of what it asked for before: the host's acknowledgements and ends of connections.
      await until('the end of all connections', async () => (await isQuiet(host)) && (await isQuiet(namespaces.b)));
      const heard = await b.received();
      const [neighbours, addresses, dropped] = [
        await surroundings.neighbours(),
        await surroundings.forwarding(),
        await surroundings.drops(),
      ];

      await row('A -> B', silence, a.probe(b.place.address, 8080));
      await a.ip('neigh', 'replace', b.place.address, 'lladdr', b.place.mac, 'dev', 'eth0', 'nud', 'permanent');
      await row('A -> B, whose MAC it knows', silence, a.probe(b.place.address, 8080));
      await a.ip('neigh', 'replace', b.place.address, 'lladdr', macOf(gateway), 'dev', 'eth0', 'nud', 'permanent');
      await row('A -> B, by way of the host', silence, a.probe(b.place.address, 8080));
      await a.ip('neigh', 'delete', b.place.address, 'dev', 'eth0');
      const linkLocal = await b.linkLocal();
      await row(
        'A -> B by IPv6',
        silence,
        linkLocal === undefined ? Promise.resolve(silence) : a.probe(`${linkLocal}%eth0`, 8080),
      );
      await row('IPv6 addresses of the host in there', '', surroundings.ipv6());

      const answers = await Promise.all(HOST_PORTS.map((port) => a.probe(gateway, port)));
      for (const [index, port] of HOST_PORTS.entries()) {
        await row(`A -> port ${port} of the host`, silence, Promise.resolve(answers[index] ?? ''));
      }
      await row('A -> outside', silence, a.probe(OUTSIDE, 80));
      await row("A -> the host's other address", silence, a.probe(HOST_OUTSIDE, 80));
      await row('A -> the metadata address', silence, a.probe(METADATA, 80));
      await row('outside -> A', silence, probeFrom(namespaces.out, address, 8080));

      await a.ip('addr', 'add', '192.168.100.77/24', 'dev', 'eth0');
      await row('A as an address that nobody has -> proxy', silence, a.probe(gateway, 3128, '192.168.100.77'));
      await a.ip('addr', 'delete', '192.168.100.77/24', 'dev', 'eth0');
      await a.ip('addr', 'add', `${b.place.address}/24`, 'dev', 'eth0');
      await row("A as B's address -> proxy", silence, a.probe(gateway, 3128, b.place.address));
      await a.ip('addr', 'delete', `${b.place.address}/24`, 'dev', 'eth0');
      for (const [name, spoofed] of [
        ['A with a foreign MAC -> proxy', '02:fc:c0:a8:64:99'],
        ["A with B's MAC -> proxy", b.place.mac],
      ] as const) {
        await a.ip('link', 'set', 'eth0', 'address', spoofed);
        await row(name, silence, a.probe(gateway, 3128));
      }
      await a.ip('link', 'set', 'eth0', 'address', mac);

      // Linux announces its addresses by ARP when a card with `arp_notify` comes up or gets another MAC.
      const droppedBefore = await surroundings.drops();
      await a.sysctl('ipv4/conf/eth0/arp_notify', '1');
      for (const claimed of [gateway, b.place.address]) {
        await a.ip('addr', 'add', `${claimed}/32`, 'dev', 'eth0');
        await a.ip('link', 'set', 'eth0', 'address', '02:fc:c0:a8:64:98');
        await a.ip('link', 'set', 'eth0', 'address', mac);
        await a.ip('addr', 'delete', `${claimed}/32`, 'dev', 'eth0');
      }
      await expect.poll(() => surroundings.drops()).toBeGreaterThan(droppedBefore);
      await row("A says that it is the gateway, and B: the host's neighbours", neighbours, surroundings.neighbours());
      await row("  and the bridge's addresses", addresses, surroundings.forwarding());
      await row(
        'frames of all this that B got',
        '0',
        b.received().then((now) => String(now - heard)),
      );
      await row('B -> its egress proxy, still', 'proxy of b', b.probe(gateway, 3128));
      await row('A -> its egress proxy, as itself again', own, a.probe(gateway, 3128));

      const width = Math.max(...rows.map(({ probe }) => probe.length));
      const shown = rows.map(({ probe, wanted, found }) => {
        const text = found === wanted && found.includes('\n') ? 'unchanged' : found === '' ? 'none' : found;
        return `  ${probe.padEnd(width)}  ${text}`;
      });
      console.log(
        [
          ...shown,
          `  ${'frames of A that the filter dropped'.padEnd(width)}  ${(await surroundings.drops()) - dropped}`,
        ].join('\n'),
      );
      expect(rows.map(({ probe, found }) => [probe, found])).toEqual(rows.map(({ probe, wanted }) => [probe, wanted]));
    });

    it('is what stops them: without its filter and isolation the same probes arrive', async () => {
      await openBridge(host, [a.place.tap ?? '', b.place.tap ?? '']);
      expect(await a.probe(b.place.address, 8080)).toBe('guest b');
      expect(await a.probe(a.place.gateway, 22)).toBe('host');
      expect(await a.probe(OUTSIDE, 80)).toBe('outside');
      expect(await a.probe(METADATA, 80)).toBe('host');
      expect(await probeFrom(namespaces.out, a.place.address, 8080)).toBe('guest a');
    });
  });

  describe('with a guest that sends and receives all it can', () => {
    const namespaces = { a: `spt-a-${process.pid}`, b: `spt-b-${process.pid}` };
    const FLOOD = 4000;
    /** 1 KiB each: with what a frame adds, two of these fit a bucket of {@link LOW}. */
    const FAIR = 20;
    const LOW: NetworkRate = { bytesPerSecond: 16_384, burstBytes: 65_536 };
    const HIGH: NetworkRate = { bytesPerSecond: 1_000_000_000, burstBytes: 1_000_000_000 };
    const guests: Guest[] = [];

    async function attachGuests(rate: NetworkRate): Promise<{ a: Guest; b: Guest; host: string }> {
      network = open({ rate });
      const a = await createGuest(network, FIRST, namespaces.a, { egressSocket: await proxy('a'), signal });
      guests.push(a);
      const b = await createGuest(network, SECOND, namespaces.b, { egressSocket: await proxy('b'), signal });
      guests.push(b);
      return { a, b, host: networkNamespace(a.place.enter) };
    }

    afterEach(async () => {
      for (const guest of guests.splice(0)) await guest.end();
    });

    it('drops what one guest sends too fast, and nothing that another sends', async () => {
      const { a, b, host } = await attachGuests(LOW);
      const [fromA, fromB] = [await countDatagrams(host, a.place.address), await countDatagrams(host, b.place.address)];
      await sendDatagrams(namespaces.b, b.place.gateway, FAIR);
      await expect.poll(fromB).toBe(FAIR);
      expect(await tooFast(host, 'sent')).toBe(0);

      await sendDatagrams(namespaces.a, a.place.gateway, FLOOD);
      await sendDatagrams(namespaces.b, b.place.gateway, FAIR);
      await expect.poll(fromB).toBe(2 * FAIR);
      expect(await fromA()).toBeGreaterThan(0);
      expect(await tooFast(host, 'sent')).toBeGreaterThan(0);
    });

    it('drops what reaches one guest too fast, and nothing that reaches another', async () => {
      const { a, b, host } = await attachGuests(LOW);
      await sendDatagrams(host, a.place.address, FLOOD);
      const dropped = await tooFast(host, 'received');
      expect(dropped).toBeGreaterThan(0);
      const heard = await b.received();
      await sendDatagrams(host, b.place.address, FAIR);
      await expect.poll(() => b.received()).toBeGreaterThanOrEqual(heard + FAIR);
      expect(await tooFast(host, 'received')).toBe(dropped);
    });

    it('drops nothing of the same at a rate that allows it', async () => {
      const { a, host } = await attachGuests(HIGH);
      const fromA = await countDatagrams(host, a.place.address);
      await sendDatagrams(namespaces.a, a.place.gateway, FLOOD);
      await sendDatagrams(host, a.place.address, FLOOD);
      // Not all: a busy kernel may lose some on the way, and counts that elsewhere.
      await expect.poll(fromA).toBeGreaterThan(FLOOD / 2);
      expect([await tooFast(host, 'sent'), await tooFast(host, 'received')]).toEqual([0, 0]);
    });
  });

  describe('from attach to detach', () => {
    it('is the same place when repeated, and nothing afterwards', async () => {
      const egressSocket = await proxy('a');
      const first = await network.attach(FIRST, { egressSocket, signal });
      const second = await network.attach(SECOND, { egressSocket, signal });
      expect(first).toMatchObject({ address: '192.168.100.2', tap: 'fc-vm-aaaaaaaa', mac: '02:fc:c0:a8:64:02' });
      expect(second.address).toBe('192.168.100.3');
      expect(second.tap).toMatch(/^fc-vm-[0-9a-f]{8}$/);
      const again = await network.attach(FIRST, { egressSocket, signal });
      expect({ ...again, connect: 0, detach: 0 }).toEqual({ ...first, connect: 0, detach: 0 });
      const namespace = networkNamespace(first.enter);
      expect(await remains(namespace)).toHaveLength(6);
      await first.detach();
      await again.detach();
      await second.detach();
      expect(await remains(namespace)).toEqual([]);
      expect(await network.reconcile(new Set())).toEqual([]);
      expect((await execa('ip', ['-o', 'link'])).stdout).not.toContain('fc-');
    });

    it('lets the kernel know of a silent connection for less time than an address rests', async () => {
      const { enter } = await network.attach(FIRST, { egressSocket: await proxy('a'), signal });
      const script = 'cd /proc/sys/net/netfilter && grep . nf_conntrack_tcp_timeout_*';
      const { stdout } = await inside(networkNamespace(enter), ['sh', '-c', script]);
      const seconds = String(stdout)
        .split('\n')
        .map((line) => Number(line.split(':')[1]));
      expect(seconds.length).toBeGreaterThan(5);
      expect(Math.max(...seconds)).toBeLessThan(60);
    });

    it('gives the TAP to the user that opens it', async () => {
      const { tap = '', enter } = await network.attach(FIRST, { egressSocket: await proxy('a'), owner: 12345, signal });
      const { stdout } = await execa('ip', ['-n', networkNamespace(enter), '-d', '-j', 'link', 'show', tap]);
      const { type, user } = JSON.parse(stdout)[0].linkinfo.info_data;
      expect({ type, user: Number(user) }).toEqual({ type: 'tap', user: 12345 });
    });

    it('takes away what belongs to machines that are not there, and nothing else', async () => {
      const egressSocket = await proxy('a');
      const { tap, enter } = await network.attach(FIRST, { egressSocket, signal });
      await network.attach(SECOND, { egressSocket, signal });
      const namespace = networkNamespace(enter);
      await execa('ip', ['-n', namespace, 'link', 'add', 'other0', 'type', 'veth', 'peer', 'name', 'other1']);
      await execa('ip', ['-n', namespace, 'tuntap', 'add', 'fc-vm-unknown0', 'mode', 'tap']);
      expect(await network.reconcile(new Set([SECOND]))).toEqual([
        `filter element ${tap} 192.168.100.2`,
        `TAP ${tap}`,
        'TAP fc-vm-unknown0',
        'neighbour 192.168.100.2',
        `address 192.168.100.2 of ${FIRST}`,
      ]);
      expect(await network.reconcile(new Set([SECOND]))).toEqual([]);
      expect(await remains(namespace)).toHaveLength(3);
      expect((await execa('ip', ['-n', namespace, 'link', 'show', 'other0'])).exitCode).toBe(0);
    });

    it('does not touch the network of another deployment', async () => {
      const mine = await network.attach(FIRST, { egressSocket: await proxy('a'), signal });
      const other = createBridgeNetwork({ dataDirectory: join(directory, 'other'), clock: systemClock });
      try {
        const theirs = await other.attach(FIRST, { egressSocket: await proxy('b'), signal });
        expect(networkNamespace(theirs.enter)).not.toBe(networkNamespace(mine.enter));
        expect(theirs.address).toBe(mine.address);
        expect(await other.reconcile(new Set())).toHaveLength(4);
      } finally {
        await other.close();
      }
      expect(await remains(networkNamespace(mine.enter))).toHaveLength(3);
    });

    it('leaves nothing that the next server does not fix, between which two steps ever it is killed', async () => {
      const egressSocket = await proxy('a');
      let namespace = '';
      for (const change of ['first attach', 'detach'] as const) {
        for (let step = 0, done = false; !done; step++) {
          const fuse = { left: Infinity };
          const killed = open({ run: dyingAfter(fuse) });
          const place = change === 'detach' ? await killed.attach(FIRST, { egressSocket, signal }) : undefined;
          fuse.left = step;
          done = await (place ? place.detach() : killed.attach(FIRST, { egressSocket, signal })).then(
            () => true,
            () => false,
          );
          const next = open();
          const named = `killed in ${change} after ${step} steps`;
          await next.reconcile(new Set());
          expect(await next.reconcile(new Set()), named).toEqual([]);
          if (step % 4 === 0) {
            const attached = await next.attach(SECOND, { egressSocket, signal });
            namespace = networkNamespace(attached.enter);
            expect(await remains(namespace), named).toHaveLength(3);
            await attached.detach();
          }
          if (namespace !== '') expect(await remains(namespace), named).toEqual([]);
          await next.close();
        }
      }
    });

    it('outlives the server by no process, and goes on where that was', async () => {
      const egressSocket = await proxy('a');
      const program = join(import.meta.dirname, '../../packages/machines/src/network/__fixtures__/run-network.ts');
      const words = ['--conditions=@sallyport/source', program, dataDirectory, FIRST, egressSocket];
      const server = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
      const line = await new Promise<string>((resolve) => server.stdout.once('data', (data) => resolve(String(data))));
      const before: NetworkAttachment = JSON.parse(line);
      const namespace = createNamespace(networkNamespace(before.enter), runCommand);
      const helpers = await namespace.processes();
      expect(helpers).toHaveLength(1);
      server.kill('SIGKILL');
      await expect.poll(() => Promise.all(helpers.map(isOver))).toEqual([true]);
      expect(await remains(namespace.name)).toHaveLength(3);
      expect(await network.reconcile(new Set([FIRST]))).toEqual([]);
      expect(await network.attach(FIRST, { egressSocket, signal })).toMatchObject({
        address: before.address,
        tap: before.tap,
      });
      const [helper = 0] = await namespace.processes();
      process.kill(helper, 'SIGKILL');
      await expect.poll(async () => (await namespace.processes()).filter((pid) => pid !== helper)).toHaveLength(1);
    });
  });

  it('says what this host has for it', async () => {
    const checks = await network.doctor();
    expect(checks.map(({ name, state }) => [name, state])).toEqual([
      ['iproute2', 'ok'],
      ['network privilege', 'ok'],
      ['/dev/net/tun', 'ok'],
      ['nftables', 'ok'],
    ]);
  });
});

/** Runs programs until the fuse burns out, and from then on none: as when the server is killed there. */
function dyingAfter(fuse: { left: number }): RunCommand {
  return async (argv, input) => {
    if (fuse.left-- <= 0) throw new Error('killed');
    return runCommand(argv, input);
  };
}

/** Ends the connection as well, so that nothing more of it comes later. */
async function firstWords(guest: Guest): Promise<string> {
  const socket = await guest.place.connect(8080, { signal });
  const words = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume().end();
  await closed;
  return words;
}

/** What there is of machines on this host: links, filter elements, neighbours. */
async function remains(namespace: string): Promise<readonly string[]> {
  const state = await readKernelState(createNamespace(namespace, runCommand));
  return [...state.taps, ...state.elements.map(({ tap, address }) => `${tap} ${address}`), ...state.neighbours];
}

async function isOver(pid: number): Promise<boolean> {
  return (await identifyProcess(pid)) === undefined;
}
