import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { Clock } from '@sallyport/core';
import type { Egress, EgressRoute } from '@sallyport/core/egress';
import { createBridgeNetwork, createPortPerUserEgress } from '@sallyport/machines';
import type { MachineNetwork, NetworkAttachment } from '@sallyport/machines';
import { createFakeUpstream } from '@sallyport/testkit';
import type { FakeUpstream } from '@sallyport/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  createGuest,
  inside,
  isQuiet,
  networkNamespace,
  probeFrom,
} from '../../packages/machines/src/network/__fixtures__/guests.ts';
import { macOf } from '../../packages/machines/src/network/subnet.ts';
import { until } from '../../test/setup/until.ts';
import { asTable, startHostileGuest, tryRow, wrongRows } from '../support/probes.ts';
import type { Probe, Row } from '../support/probes.ts';

/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();
const PUBLIC = '93.184.216.34';
const ALLOWED = 'api.example.com';
const QUARANTINE_MS = 60_000;

/** What must not be dialled, whatever name leads there. */
const PRIVATE = [
  '10.0.0.7',
  '172.16.0.1',
  '192.168.100.1',
  '127.0.0.1',
  '0.0.0.0',
  '100.64.0.1',
  '169.254.169.254',
  'fe80::1',
  'fd00:ec2::254',
  'fc00::1',
  '::1',
  '::ffff:169.254.169.254',
  '::ffff:7f00:1',
  '64:ff9b::a9fe:a9fe',
] as const;

/** The same written so that a careless program takes it for a name or another address. */
const WRITTEN_ODDLY = [
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '0xa9.0xfe.0xa9.0xfe',
  '169.254.43518',
  '127.1',
  'localhost',
  'metadata.google.internal',
] as const;

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

type TcpProbe = Extract<Probe, { kind: 'tcp' }>;

type HostileGuest = Awaited<ReturnType<typeof startHostileGuest>>;

/** Two virtual machines with the product's own egress, each of whose users leaves by a port of the proxy service. */
describe('two guests on the bridge, each with the egress of its user', () => {
  let folder: string;
  let network: MachineNetwork;
  let egress: Egress;
  let upstream: FakeUpstream;
  let now = systemClock.now();
  const clock: Clock = { ...systemClock, now: () => now };
  const ports: number[] = [];
  const routes: EgressRoute[] = [];
  const places: NetworkAttachment[] = [];
  const guests: HostileGuest[] = [];
  /** How often each name was looked up: the first answer for `turns.example.com` is a public address. */
  const lookUps = new Map<string, number>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sp-e2e-'));
    upstream = createFakeUpstream({ protocol: 'http', username: 'sallyport', password: 'canary-upstream' });
    egress = createPortPerUserEgress({
      directory: join(folder, 'egress'),
      clock: systemClock,
      host: upstream.host,
      username: 'sallyport',
      password: new Secret('canary-upstream'),
      resolve: async (host) => addressesOf(host),
    });
    network = createBridgeNetwork({
      dataDirectory: join(folder, 'data'),
      clock,
      subnet: '192.168.100.0/29',
      quarantineMs: QUARANTINE_MS,
    });
    for (const [index, name] of ['A', 'B'].entries()) {
      ports.push(await upstream.openPort(`198.51.100.${index + 1}`));
      routes.push(await openEgress(name, ports[index] ?? 0));
      places.push(
        await network.attach(`m-${name.repeat(16)}`, { egressSocket: routes[index]?.socketPath ?? '', signal }),
      );
      await mkdir(join(folder, name));
    }
    guests.push(
      ...(await Promise.all(places.map((place, index) => startHostileGuest(join(folder, 'AB'[index] ?? ''), place)))),
    );
  });

  afterAll(async () => {
    for (const guest of guests) await guest[Symbol.asyncDispose]();
    for (const route of routes) await route.close();
    await network?.close();
    await upstream?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function openEgress(name: string, proxyPort: number): Promise<EgressRoute> {
    const identity = { userId: `u-${name}`, proxyPort };
    const plan = { machineId: `m-${name}`, userId: identity.userId, purpose: 'work', identity } as const;
    return egress.open({ ...plan, hosts: [ALLOWED, '*.example.com'] }, { signal });
  }

  function addressesOf(host: string): readonly string[] {
    const count = (lookUps.get(host) ?? 0) + 1;
    lookUps.set(host, count);
    if (host === 'turns.example.com') return [count === 1 ? PUBLIC : '169.254.169.254'];
    const index = /^private-(\d+)\.example\.com$/.exec(host)?.[1];
    return index === undefined ? [PUBLIC] : [PRIVATE[Number(index)] ?? ''];
  }

  const connectTo = (target: string, headers = ''): string =>
    `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${headers}\r\n`;
  /** By the guest's own egress proxy, unless it is changed. */
  const ask = (target: string, change: Partial<TcpProbe> = {}): TcpProbe => ({
    kind: 'tcp',
    host: places[0]?.egress.host ?? '',
    port: places[0]?.egress.port ?? 0,
    say: connectTo(target),
    ...change,
  });
  const REFUSED = 'HTTP/1.1 403 Forbidden';
  const OPENED = 'HTTP/1.1 200 Connection Established';
  const lastSeen = (): string => {
    const seen = upstream.requests.at(-1);
    return `${'AB'[ports.indexOf(seen?.port ?? 0)]}: ${seen?.target}`;
  };

  it('reach allowed hosts by their proxy, and nothing that is not public, however it is written', async () => {
    const [a] = guests;
    if (!a) throw new Error('A did not start.');
    const rows: Row[] = [];
    const row = async (probe: string, wanted: string, tried: Probe): Promise<void> =>
      void rows.push(await tryRow(a, [probe, wanted, tried]));
    await row(`A -> ${ALLOWED}`, OPENED, ask(`${ALLOWED}:443`));
    await row('A -> a name, the first time', OPENED, ask('turns.example.com:443'));
    const before = upstream.requests.length;
    await row('A -> the same name, which leads to the metadata address now', REFUSED, ask('turns.example.com:443'));
    for (const [index, address] of PRIVATE.entries()) {
      await row(`A -> a name that leads to ${address}`, REFUSED, ask(`private-${index}.example.com:443`));
      await row(`A -> ${address}`, REFUSED, ask(`${bracketed(address)}:443`));
    }
    for (const host of WRITTEN_ODDLY) await row(`A -> ${host}`, REFUSED, ask(`${host}:443`));
    await row(`A -> port 22 of ${ALLOWED}`, REFUSED, ask(`${ALLOWED}:22`));
    await row('A -> a host that is not allowed', REFUSED, ask('elsewhere.test:443'));
    rows.push({
      probe: 'connections of all this that left',
      wanted: '0',
      found: String(upstream.requests.length - before),
    });
    await row(`A -> ${ALLOWED}, still`, OPENED, ask(`${ALLOWED}:443`));
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
    expect(lookUps.get('turns.example.com')).toBe(2);
    for (const index of PRIVATE.keys()) expect(lookUps.get(`private-${index}.example.com`)).toBe(1);
  });

  it("leave each by the address of its user, and not by the other's", async () => {
    const rows: Row[] = [];
    const [a, b] = guests;
    const [, placeOfB] = places;
    const [, portOfB = 0] = ports;
    if (!a || !b || !placeOfB) throw new Error('A guest did not start.');
    for (const [name, guest] of [
      ['A', a],
      ['B', b],
    ] as const) {
      rows.push(await tryRow(guest, [`${name} -> ${ALLOWED}`, OPENED, ask(`${ALLOWED}:443`)]));
      rows.push({ probe: '  seen by the proxy service', wanted: `${name}: ${PUBLIC}:443`, found: lastSeen() });
    }
    // What it says of itself changes nothing: who asks is known by where the frame came in.
    const pair = Buffer.from('sallyport:canary-upstream').toString('base64');
    const headers = `Proxy-Authorization: Basic ${pair}\r\nForwarded: for=${placeOfB.address}\r\n`;
    rows.push(
      await tryRow(a, [
        'A, who says that it is B',
        OPENED,
        ask(`${ALLOWED}:443`, { say: connectTo(`${ALLOWED}:443`, headers) }),
      ]),
    );
    rows.push({ probe: '  seen by the proxy service', wanted: `A: ${PUBLIC}:443`, found: lastSeen() });
    const before = upstream.requests.length;
    const card = (word: string): readonly string[] => [
      'busybox',
      'ip',
      'addr',
      word,
      `${placeOfB.address}/29`,
      'dev',
      'eth0',
    ];
    const asB = { localAddress: placeOfB.address, before: [card('add')], after: [card('del')] };
    const refused: readonly (readonly [string, string, Probe])[] = [
      ["A with B's address -> its egress proxy", 'blocked', ask(`${ALLOWED}:443`, asB)],
      ["A -> the gateway, at B's port of the service", 'blocked', ask(`${ALLOWED}:443`, { port: portOfB })],
      ["A -> B's port of the service", 'blocked', ask(`${ALLOWED}:443`, { host: '203.0.113.7', port: portOfB })],
      ["A -> B's port of the service, by its own proxy", REFUSED, ask(`${upstream.host}:${portOfB}`)],
    ];
    for (const way of refused) rows.push(await tryRow(a, way));
    rows.push({
      probe: 'connections of all this that left',
      wanted: '0',
      found: String(upstream.requests.length - before),
    });
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
  });

  it('leave nothing to the next that has the address: it rests, and what was known of it is gone', async () => {
    const [a, b] = guests;
    const [placeOfA] = places;
    if (!a || !b || !placeOfA) throw new Error('A did not start.');
    const host = networkNamespace(placeOfA.enter);
    const { egressSocket, rows } = { egressSocket: routes[0]?.socketPath ?? '', rows: [] as Row[] };
    const known = async (): Promise<number> =>
      Number((await inside(host, ['cat', '/proc/sys/net/netfilter/nf_conntrack_count'])).stdout);
    // It goes on knocking while its place is given up, and after.
    const { host: gateway, port: own } = placeOfA.egress;
    const knock = `while :; do busybox timeout 1 busybox nc ${gateway} ${own} </dev/null; busybox usleep 100000; done`;
    await a.probe({ kind: 'run', argv: ['busybox', 'sh', '-c', `(${knock}) >/dev/null 2>&1 &`] });
    await until('connections of A', async () => (await known()) > 0);
    await placeOfA.detach();

    const others: NetworkAttachment[] = [];
    for (const id of ['C', 'D', 'E']) others.push(await network.attach(`m-${id.repeat(16)}`, { egressSocket, signal }));
    const isReused = others.some(({ address }) => address === placeOfA.address);
    rows.push({ probe: 'the address of A, at once', wanted: 'nobody', found: isReused ? 'another machine' : 'nobody' });
    now += QUARANTINE_MS - 1;
    const early = await network.attach('m-early', { egressSocket, signal }).then(
      ({ address }) => address,
      () => 'nobody',
    );
    rows.push({ probe: '  until the end of its rest', wanted: 'nobody', found: early });
    const kept = (await inside(host, ['ip', 'neigh', 'show', placeOfA.address])).stdout;
    rows.push({ probe: '  what the host has as its neighbour', wanted: '', found: String(kept) });
    await until('the end of all that the kernel knew of connections', async () => (await known()) === 0);

    now += 1;
    const next = await createGuest(network, 'm-next', `spe-n-${process.pid}`, {
      egressSocket: routes[1]?.socketPath ?? '',
      signal,
    });
    try {
      rows.push({ probe: 'the address of A, after its rest', wanted: placeOfA.address, found: next.place.address });
      const { place, namespace } = next;
      const say = connectTo(`${ALLOWED}:443`);
      const answered = await probeFrom(namespace, place.egress.host, place.egress.port, undefined, say);
      rows.push({ probe: `the next -> ${ALLOWED}`, wanted: OPENED, found: answered });
      rows.push({ probe: '  seen by the proxy service', wanted: `B: ${PUBLIC}:443`, found: lastSeen() });
      // From here on it asks nobody anything. A knocks ten times a second, and B takes longer than that for its answer.
      await next.ip('neigh', 'replace', gateway, 'lladdr', macOf(gateway), 'dev', 'eth0', 'nud', 'permanent');
      await until('the end of all connections', async () => (await isQuiet(host)) && (await isQuiet(namespace)));
      const heard = await next.received();
      rows.push(await tryRow(b, ['B -> a host that is not allowed', REFUSED, ask('elsewhere.test:443')]));
      rows.push({
        probe: 'frames of A that the next got',
        wanted: '0',
        found: String((await next.received()) - heard),
      });
    } finally {
      await next.end();
      for (const place of others) await place.detach();
    }
    console.log(asTable(rows));
    expect(wrongRows(rows)).toEqual([]);
  });
});
