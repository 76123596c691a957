/**
 * A separate host for guests on the unprivileged network: a network namespace with everything in it that a guest
 * must not reach. Prints the rows of the isolation table as JSON. Started in new user, network and mount namespaces.
 *
 *     unshare --user --map-root-user --net --mount node isolation-world.ts <directory>
 */
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { systemClock } from '@sallyport/core';
import { createUserNetwork } from '@sallyport/machines';
import type { NetworkAttachment } from '@sallyport/machines';

import { GREETED_PORTS, startHostileGuest, tryRow } from '../support/probes.ts';
import type { Probe, Row, Way } from '../support/probes.ts';

const run = promisify(execFile);
const signal = AbortSignal.timeout(600_000);
const [folder = ''] = process.argv.slice(2);
const METADATA = '169.254.169.254';
const OUTSIDE = '10.99.0.1';

await run('ip', ['link', 'set', 'lo', 'up']);
for (const address of [METADATA, OUTSIDE]) await run('ip', ['addr', 'add', `${address}/32`, 'dev', 'lo']);
const resolver = join(folder, 'resolv.conf');
await writeFile(resolver, 'nameserver 127.0.0.1\n');
await run('mount', ['--bind', resolver, '/etc/resolv.conf']);

const network = createUserNetwork({ dataDirectory: join(folder, 'data'), clock: systemClock });
const egressSocket = join(folder, 'proxy.sock');
await listen('proxy of A', { path: egressSocket });
const place = await network.attach('m-a', { egressSocket, signal });
const neighbour = listenAddress(await network.attach('m-b', { egressSocket, signal }));
await listen('guest B', { host: neighbour, port: 8080 });
const PORTS = [22, 53, 80, 5432, 8080];
for (const port of PORTS) await listen('host', { host: '127.0.0.1', port });
await listen('metadata', { host: METADATA, port: 80 });
await listen('outside', { host: OUTSIDE, port: 80 });
await answer('name service', '127.0.0.1', 53);
await answer('outside by UDP', OUTSIDE, 443);

/** Everything that slirp would lead somewhere if it were not restricted, and where. */
const ways: readonly Way[] = [
  ...PORTS.map((port): Way => [`A -> port ${port} of the host`, 'host', { kind: 'tcp', host: place.gateway, port }]),
  ['A -> address of the host outside', 'outside', { kind: 'tcp', host: OUTSIDE, port: 80 }],
  ['A -> the same by UDP', 'outside by UDP', { kind: 'udp', host: OUTSIDE, port: 443 }],
  ['A -> the metadata address', 'metadata', { kind: 'tcp', host: METADATA, port: 80 }],
  ['A -> name service', 'name service', { kind: 'udp', host: '10.0.2.3', port: 53 }],
  ['A -> name service by TCP', 'host', { kind: 'tcp', host: '10.0.2.3', port: 53 }],
];
const rows: Row[] = [];

{
  await using guest = await startHostileGuest(join(folder, 'restricted'), place);
  const row = async (...way: Way): Promise<void> => void rows.push(await tryRow(guest, way));
  const { host, port } = place.egress;
  const own: Probe = { kind: 'tcp', host, port };
  const card = (...words: string[]): string[] => ['busybox', 'ip', ...words, 'dev', 'eth0'];
  await row('A -> its egress proxy', 'proxy of A', own);
  await row('A -> another port of that address', 'blocked', { ...own, port: 80 });
  for (const [probe, , tried] of ways) await row(probe, 'blocked', tried);
  await row('A -> address of B', 'blocked', {
    kind: 'tcp',
    host: neighbour,
    port: 8080,
    before: [
      ['busybox', 'ip', 'addr', 'del', '127.0.0.1/8', 'dev', 'lo'],
      card('route', 'add', `${neighbour}/32`, 'via', place.gateway),
    ],
  });
  await row('A -> outside by ping', 'blocked', { kind: 'run', argv: ['busybox', 'ping', '-c1', '-W2', OUTSIDE] });
  await row('A -> host by IPv6', 'blocked', {
    kind: 'tcp',
    host: 'fec0::2',
    port: 80,
    before: [card('-6', 'addr', 'add', 'fec0::15/64')],
  });
  await row('A with an address that nobody has -> its own proxy still', 'proxy of A', {
    ...own,
    localAddress: '10.0.2.77',
    before: [card('addr', 'add', '10.0.2.77/24')],
    after: [card('addr', 'del', '10.0.2.77/24')],
  });
  for (const greeted of GREETED_PORTS) {
    const found = await knock(listenAddress(place), greeted);
    rows.push({ probe: `host -> port ${greeted} of A`, wanted: 'blocked', found });
  }
  rows.push({ probe: 'server -> A', wanted: '200', found: String((await guest.request('/')).status) });
  await (await network.attach('m-a', { egressSocket: join(folder, 'nobody.sock'), signal })).detach();
  await row('A -> its egress proxy, once that is taken away', 'blocked', own);
}

{
  const again = await network.attach('m-a', { egressSocket, signal });
  const open = again.netdev.replace('restrict=on', 'restrict=off');
  await using guest = await startHostileGuest(join(folder, 'open'), again, open);
  for (const [probe, wanted, tried] of ways) {
    rows.push(await tryRow(guest, [`without restrict=on: ${probe}`, wanted, tried]));
  }
}
process.stdout.write(`\n${JSON.stringify(rows)}\n`, () => process.exit());

function listen(name: string, where: { path: string } | { host: string; port: number }): Promise<void> {
  const server = createServer((socket) => socket.on('error', () => {}).end(name));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}

/** What a connection of another program of this host comes to. */
function knock(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('data', (data) => resolve(String(data))).once('close', () => resolve('closed'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

function answer(name: string, host: string, port: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.on('message', (_message, from) => socket.send(name, from.port, from.address));
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
}

function listenAddress({ netdev }: NetworkAttachment): string {
  return /hostfwd=tcp:(?<host>[\d.]+):8080-/.exec(netdev)?.groups?.['host'] ?? '';
}
