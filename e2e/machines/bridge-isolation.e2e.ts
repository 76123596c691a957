import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { AGENT_PORT } from '@sallyport/core/protocol';
import { createBridgeNetwork } from '@sallyport/machines';
import type { MachineNetwork, NetworkAttachment } from '@sallyport/machines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createGuest,
  isQuiet,
  listenInside,
  networkNamespace,
  probeFrom,
} from '../../packages/machines/src/network/__fixtures__/guests.ts';
import type { Guest as Neighbour } from '../../packages/machines/src/network/__fixtures__/guests.ts';
import {
  createSurroundings,
  listenAsProxy,
  HOST_OUTSIDE,
  HOST_PORTS,
  METADATA,
  openBridge,
  OUTSIDE,
} from '../../packages/machines/src/network/__fixtures__/surroundings.ts';
import type { Surroundings } from '../../packages/machines/src/network/__fixtures__/surroundings.ts';
import { createNamespace, runCommand } from '../../packages/machines/src/network/namespace.ts';
import { macOf } from '../../packages/machines/src/network/subnet.ts';
import { until } from '../../test/setup/until.ts';
import { asTable, GREETED_PORTS, startHostileGuest, tryRow, wrongRows } from '../support/probes.ts';
import type { Probe, Row, Way } from '../support/probes.ts';

/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();
const UNKNOWN_MAC = '02:fc:c0:a8:64:98';
const namespaces = { neighbour: `spe-b-${process.pid}`, outside: `spe-o-${process.pid}` };

/**
 * The bridge seen from a real guest whose owner is root in it. The same from namespaces, with all that `ip` can forge, is in
 * `bridge-network.test.ts`.
 */
describe('a guest on the bridge whose owner is root in it', () => {
  let folder: string;
  let network: MachineNetwork;
  let place: NetworkAttachment;
  let neighbour: Neighbour;
  let surroundings: Surroundings;
  let guest: Awaited<ReturnType<typeof startHostileGuest>>;
  const servers: Server[] = [];
  const ends: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
    network = createBridgeNetwork({ dataDirectory: join(folder, 'data'), clock: systemClock, quarantineMs: 0 });
    place = await network.attach('m-aaaaaaaabbbbbbbbcccc', { egressSocket: await proxy('A'), signal });
    const options = { egressSocket: await proxy('B'), signal };
    neighbour = await createGuest(network, 'm-aaaaaaaaddddddddeeee', namespaces.neighbour, options);
    ends.push(await listenInside(neighbour.namespace, 'guest B', [8080]));
    surroundings = await createSurroundings(networkNamespace(place.enter), namespaces.outside);
    await mkdir(join(folder, 'guest'));
    guest = await startHostileGuest(join(folder, 'guest'), place);
  });

  afterAll(async () => {
    await guest?.[Symbol.asyncDispose]();
    for (const end of ends) await end();
    await surroundings?.end();
    if (neighbour) await neighbour.end();
    for (const server of servers) server.close();
    await network?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function proxy(name: string): Promise<string> {
    const path = join(folder, `${name}.sock`);
    servers.push(await listenAsProxy(name, path));
    return path;
  }

  const card = (...words: readonly string[]): readonly string[] => ['busybox', 'ip', ...words, 'dev', 'eth0'];
  const link = (...words: readonly string[]): readonly string[] => ['busybox', 'ip', 'link', 'set', 'eth0', ...words];

  /** A changes its card's MAC, sends what `probe` sends, and is itself again. */
  const withMac = (mac: string, probe: Probe): Probe => ({
    ...probe,
    before: [link('down'), link('address', mac), link('up')],
    after: [
      link('down'),
      link('address', place.mac),
      link('up'),
      card('route', 'add', 'default', 'via', place.gateway),
    ],
  });

  /** To the gateway's address, which the filter lets pass, at a MAC that no port has: a bridge that floods shows it to all. */
  const toUnknownMac = (): Probe => ({
    kind: 'udp',
    host: place.gateway,
    port: 9,
    before: [['busybox', 'arp', '-i', 'eth0', '-s', place.gateway, UNKNOWN_MAC]],
    after: [['busybox', 'arp', '-i', 'eth0', '-d', place.gateway]],
  });

  /** From where a guest's ports are tried: beyond the host, and the next port of the bridge. */
  const callers = (): readonly (readonly [string, string])[] => [
    ['outside', namespaces.outside],
    ['B', neighbour.namespace],
  ];

  /** Every port that A has open, and what it says there. */
  const openPorts = [
    ...GREETED_PORTS.map((port) => [port, 'guest A'] as const),
    [AGENT_PORT, 'HTTP/1.1 200 OK'] as const,
  ];
  const call = (namespace: string, port: number): Promise<string> =>
    probeFrom(namespace, place.address, port, undefined, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');

  /** Where each leads once nothing stops it any more. */
  function ways(): readonly Way[] {
    return [
      ['A -> B', 'guest B', { kind: 'tcp', host: neighbour.place.address, port: 8080 }],
      ...HOST_PORTS.map((port): Way => [
        `A -> port ${port} of the host`,
        'host',
        { kind: 'tcp', host: place.gateway, port },
      ]),
      ["A -> the host's other address", 'host', { kind: 'tcp', host: HOST_OUTSIDE, port: 80 }],
      ['A -> outside', 'outside', { kind: 'tcp', host: OUTSIDE, port: 80 }],
      ['A -> the metadata address', 'host', { kind: 'tcp', host: METADATA, port: 80 }],
    ];
  }

  it('reaches its egress proxy as itself, and nothing in any other way', async () => {
    const rows: Row[] = [];
    const row = async (...way: Way): Promise<void> => void rows.push(await tryRow(guest, way));
    const own = { kind: 'tcp', host: place.egress.host, port: place.egress.port } as const;
    const host = networkNamespace(place.enter);
    await row('A -> its egress proxy', 'proxy of A', own);

    const [neighbours, forwarding, dropped] = [
      await surroundings.neighbours(),
      await surroundings.forwarding(),
      await surroundings.drops(),
    ];
    // So that it asks nobody anything, and whatever it gets comes from A.
    const { gateway } = place;
    await neighbour.ip('neigh', 'replace', gateway, 'lladdr', macOf(gateway), 'dev', 'eth0', 'nud', 'permanent');
    rows.push({
      probe: 'B -> its egress proxy',
      wanted: 'proxy of B',
      found: await neighbour.probe(own.host, own.port),
    });
    // The last of what it asked for itself: acknowledgements and ends of connections.
    await until(
      'the end of all connections',
      async () => (await isQuiet(host)) && (await isQuiet(neighbour.namespace)),
    );
    const heard = await neighbour.received();
    for (const [probe, , tried] of ways()) await row(probe, 'blocked', tried);
    await row('A -> outside by UDP', 'blocked', { kind: 'udp', host: OUTSIDE, port: 443 });
    await row('A -> name service of the host', 'blocked', { kind: 'udp', host: place.gateway, port: 53 });
    await row('A -> outside by ping', 'blocked', { kind: 'run', argv: ['busybox', 'ping', '-c1', '-W2', OUTSIDE] });
    await row('A -> everybody by ping', 'blocked', {
      kind: 'run',
      argv: ['busybox', 'ping', '-c1', '-W2', '192.168.100.255'],
    });

    for (const [whose, address] of [
      ['an address that nobody has', '192.168.100.77'],
      ["B's address", neighbour.place.address],
    ] as const) {
      await row(`A with ${whose} -> its egress proxy`, 'blocked', {
        ...own,
        localAddress: address,
        before: [card('addr', 'add', `${address}/24`)],
        after: [card('addr', 'del', `${address}/24`)],
      });
    }
    for (const [whose, mac] of [
      ['a foreign MAC', '02:fc:c0:a8:64:99'],
      ["B's MAC", neighbour.place.mac],
    ] as const) {
      // The answer to this probe could not arrive: its connection is that of the card which is changed.
      const before = await surroundings.drops();
      await guest.probe(withMac(mac, own));
      expect(await surroundings.drops(), `frames of A with ${whose}`).toBeGreaterThan(before);
      rows.push({
        probe: `A with ${whose}: what the bridge knows of MACs`,
        wanted: 'unchanged',
        found: (await surroundings.forwarding()) === forwarding ? 'unchanged' : await surroundings.forwarding(),
      });
    }
    const sent = await surroundings.fromPort(place.tap ?? '');
    await row('A -> a MAC that nobody has', 'blocked', toUnknownMac());
    expect(await surroundings.fromPort(place.tap ?? ''), 'frames that came from A').toBeGreaterThan(sent);
    for (const address of [place.gateway, neighbour.place.address]) {
      const before = await surroundings.drops();
      // It announces none but addresses that it has.
      await guest.probe({
        kind: 'run',
        argv: ['busybox', 'arping', '-U', '-c2', '-I', 'eth0', '-s', address, address],
        before: [card('addr', 'add', `${address}/32`)],
        after: [card('addr', 'del', `${address}/32`)],
      });
      expect(await surroundings.drops(), `A says by ARP that it is ${address}`).toBeGreaterThan(before);
    }
    expect(await surroundings.neighbours()).toBe(neighbours);
    expect(await surroundings.forwarding()).toBe(forwarding);
    // After it, nothing of A is on its way any more: frames of one card keep their order.
    await row('A -> its egress proxy, as itself again', 'proxy of A', own);
    rows.push({
      probe: 'frames of all this that B got',
      wanted: '0',
      found: String((await neighbour.received()) - heard),
    });
    console.log(`${asTable(rows)}\n  frames of A that the filter dropped: ${(await surroundings.drops()) - dropped}`);
    expect(wrongRows(rows)).toEqual([]);
  });

  it('hears only the server, which calls it', async () => {
    const rows: Row[] = [];
    for (const [caller, namespace] of callers()) {
      for (const [port] of openPorts) {
        rows.push({ probe: `${caller} -> port ${port} of A`, wanted: 'blocked', found: await call(namespace, port) });
      }
    }
    rows.push({ probe: 'server -> A', wanted: '200', found: String((await guest.request('/')).status) });
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
  });

  it('is stopped by filter and isolation: without them each probe arrives', async () => {
    await openBridge(networkNamespace(place.enter), [place.tap ?? '', neighbour.place.tap ?? '']);
    await neighbour.ip('neigh', 'flush', 'dev', 'eth0');
    const rows: Row[] = [];
    for (const [probe, wanted, tried] of ways()) {
      rows.push(await tryRow(guest, [`without them: ${probe}`, wanted, tried]));
    }
    for (const [caller, namespace] of callers()) {
      for (const [port, answer] of openPorts) {
        await until(`${answer} at port ${port}`, async () => (await call(namespace, port)) === answer);
        rows.push({ probe: `without them: ${caller} -> port ${port} of A`, wanted: answer, found: answer });
      }
    }

    const heard = await neighbour.received();
    await guest.probe(toUnknownMac());
    await until('the frame to a MAC that nobody has', async () => (await neighbour.received()) > heard);
    rows.push({ probe: 'without them: A -> a MAC that nobody has', wanted: 'B gets it', found: 'B gets it' });

    const [tap = '', other = ''] = [place.tap, neighbour.place.tap];
    const namespace = createNamespace(networkNamespace(place.enter), runCommand);
    await namespace.bridge('link', 'set', 'dev', tap, 'learning', 'on');
    await namespace.bridge('fdb', 'delete', neighbour.place.mac, 'dev', other, 'master');
    await guest.probe(withMac(neighbour.place.mac, { kind: 'tcp', host: OUTSIDE, port: 80 }));
    const learnt = (await surroundings.forwarding()).includes(`${neighbour.place.mac} dev ${tap}`);
    rows.push({
      probe: "without them: A with B's MAC: where the bridge sends what is B's",
      wanted: 'to A',
      found: learnt ? 'to A' : 'to B',
    });
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
  });
});
