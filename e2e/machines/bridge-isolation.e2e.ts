import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { createBridgeNetwork } from '@sallyport/machines';
import type { MachineNetwork, NetworkAttachment } from '@sallyport/machines';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createGuest,
  listenInside,
  networkNamespace,
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
import { macOf } from '../../packages/machines/src/network/subnet.ts';
import { asTable, startHostileGuest, tryRow, wrongRows } from '../support/probes.ts';
import type { Probe, Row, Way } from '../support/probes.ts';

/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();
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
    const own: Probe = { kind: 'tcp', host: place.egress.host, port: place.egress.port };
    await row('A -> its egress proxy', 'proxy of A', own);

    const [neighbours, forwarding, dropped] = [
      await surroundings.neighbours(),
      await surroundings.forwarding(),
      await surroundings.drops(),
    ];
    // So that it asks nobody anything, and whatever it gets comes from A.
    const { gateway } = place;
    await neighbour.ip('neigh', 'replace', gateway, 'lladdr', macOf(gateway), 'dev', 'eth0', 'nud', 'permanent');
    await systemClock.sleep(500);
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
    const asItself = [
      link('down'),
      link('address', place.mac),
      link('up'),
      card('route', 'add', 'default', 'via', place.gateway),
    ];
    for (const [whose, mac] of [
      ['a foreign MAC', '02:fc:c0:a8:64:99'],
      ["B's MAC", neighbour.place.mac],
    ] as const) {
      // The answer to this probe could not arrive: its connection is that of the card which is changed.
      const before = await surroundings.drops();
      await guest.probe({
        ...own,
        kind: 'tcp',
        before: [link('down'), link('address', mac), link('up')],
        after: asItself,
      });
      expect(await surroundings.drops(), `frames of A with ${whose}`).toBeGreaterThan(before);
    }
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
    rows.push({
      probe: 'frames of all this that B got',
      wanted: '0',
      found: String((await neighbour.received()) - heard),
    });
    await row('A -> its egress proxy, as itself again', 'proxy of A', own);
    console.log(`${asTable(rows)}\n  frames of A that the filter dropped: ${(await surroundings.drops()) - dropped}`);
    expect(wrongRows(rows)).toEqual([]);
  });

  it('is stopped by filter and isolation: without them each probe arrives', async () => {
    await openBridge(networkNamespace(place.enter), [place.tap ?? '', neighbour.place.tap ?? '']);
    await neighbour.ip('neigh', 'flush', 'dev', 'eth0');
    const rows: Row[] = [];
    for (const [probe, wanted, tried] of ways()) {
      rows.push(await tryRow(guest, [`without them: ${probe}`, wanted, tried]));
    }
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
  });
});
