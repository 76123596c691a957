import { mkdtempSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { systemClock } from '@sallyport/core';
import { AGENT_PORT } from '@sallyport/core/driver';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { MachineNetwork, NetworkAttachment } from './machine-network.ts';
import { createUserNetwork } from './user-network.ts';
import { connectToOwn, findListener } from './user/connect-to-own.ts';
import { netdevWords } from './user/netdev.ts';

/** Never aborted: the runner ends a test that takes too long, however long its file takes on a busy host. */
const { signal } = new AbortController();
const FIRST = 'm-aaaaaaaabbbbbbbbcccc';
const SECOND = 'm-aaaaaaaaddddddddeeee';
const owner = process.geteuid?.() ?? 0;

describe.runIf(process.platform === 'linux')('the network inside a monitor', () => {
  let directory: string;
  let network: MachineNetwork;
  const servers: Server[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-user-network-'));
    network = createUserNetwork({ dataDirectory: directory, clock: systemClock, quarantineMs: 0 });
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await network.close();
    await rm(directory, { recursive: true });
  });

  async function listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => socket.end('agent'));
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('A server on a port has no port.');
    return address.port;
  }

  const attach = (machineId: string, egressSocket: string): Promise<NetworkAttachment> =>
    network.attach(machineId, { egressSocket, signal });

  it('gives each machine the same inside, and a separate loopback address and egress route', async () => {
    const [first, second] = [await attach(FIRST, '/egress/a.sock'), await attach(SECOND, '/egress/b.sock')];
    expect(first).toMatchObject({
      address: '10.0.2.15',
      gateway: '10.0.2.2',
      egress: { host: '10.0.2.100', port: 3128 },
    });
    expect({ ...second, netdev: '', connect: 0, detach: 0 }).toEqual({ ...first, netdev: '', connect: 0, detach: 0 });
    const [one, other] = [listenAddress(first), listenAddress(second)];
    expect(one).toMatch(/^127\.(?!0\.)\d+\.\d+\.2$/);
    expect(other).toBe(one.replace(/2$/, '3'));
  });

  it('is the same place when repeated, also for the next server, with the new egress', async () => {
    const first = await attach(FIRST, '/egress/a.sock');
    network = createUserNetwork({ dataDirectory: directory, clock: systemClock, quarantineMs: 0 });
    const again = await attach(FIRST, '/egress/another.sock');
    expect({ ...again, connect: 0, detach: 0 }).toEqual({ ...first, connect: 0, detach: 0 });
    expect(readlinkSync(join(directory, 'network', 'user-ways', `${FIRST}.sock`))).toBe('/egress/another.sock');
  });

  it('leads nowhere after the machine, and is taken away for machines that are not there', async () => {
    const first = await attach(FIRST, '/egress/a.sock');
    await attach(SECOND, '/egress/b.sock');
    await first.detach();
    await first.detach();
    expect(() => readlinkSync(join(directory, 'network', 'user-ways', `${FIRST}.sock`))).toThrow(/ENOENT/);
    expect(await network.reconcile(new Set([SECOND]))).toEqual([]);
    expect(await network.reconcile(new Set())).toEqual([
      `egress of ${SECOND}`,
      expect.stringMatching(new RegExp(`^address 127\\.\\d+\\.\\d+\\.3 of ${SECOND}$`)),
    ]);
    expect(await network.reconcile(new Set())).toEqual([]);
  });

  it('connects to what listens at the address of the machine, and to its agent alone', async () => {
    const place = await attach(FIRST, '/egress/a.sock');
    await expect(place.connect(AGENT_PORT, { signal })).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
      message: expect.stringContaining('Nobody listens'),
    });
    await listen(listenAddress(place), AGENT_PORT);
    const socket = await place.connect(AGENT_PORT, { signal });
    expect(String(await new Promise((resolve) => socket.once('data', resolve)))).toBe('agent');
    await expect(place.connect(22, { signal })).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
  });

  it('does not connect to a program of another user', async () => {
    const port = await listen('127.0.0.1', 0);
    await expect(connectToOwn({ host: '127.0.0.1', port, owner: owner + 1, signal })).rejects.toMatchObject({
      code: 'AGENT_UNREACHABLE',
      message: `A program of user ${owner} listens at 127.0.0.1:${port}, where the machine's monitor should.`,
    });
  });

  it('says what this host has for it', async () => {
    expect((await network.doctor()).map(({ name }) => name)).toEqual(['socat', 'loopback addresses']);
  });
});

describe('findListener', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0200537F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1001        0 4501 1 ffff 100 0 0 10 0
   1: 0300537F:1F90 0100007F:B0B0 01 00000000:00000000 00:00000000 00000000  1002        0 4502 1 ffff 20 4 30 10 -1`;

  it.each([
    ['127.83.0.2', 8080, 1001],
    ['127.83.0.2', 8081, undefined],
    ['127.83.0.3', 8080, undefined],
  ])('knows whose program listens at %s:%d', (host, port, user) => {
    expect(findListener(table, host, port)).toBe(user);
  });
});

describe('netdevWords', () => {
  const facts = {
    subnet: '10.0.2.0/24',
    address: '10.0.2.15',
    gateway: '10.0.2.2',
    egress: { host: '10.0.2.100', port: 3128 },
    listen: { host: '127.83.0.2', port: 8080 },
  };

  it('closes everything but the egress and the way in', () => {
    expect(netdevWords({ ...facts, way: { folder: '/data/ways', name: 'm-one.sock' } })).toBe(
      'user,ipv4=on,ipv6=off,restrict=on,net=10.0.2.0/24,host=10.0.2.2,hostfwd=tcp:127.83.0.2:8080-10.0.2.15:8080,' +
        'guestfwd=tcp:10.0.2.100:3128-cmd:/usr/bin/env -i -C /data/ways /usr/bin/socat -lf /dev/null -t 300 - UNIX-CONNECT:m-one.sock',
    );
  });

  it('quotes a directory as QEMU and GLib read it', () => {
    const words = netdevWords({ ...facts, way: { folder: "/da ta,'x/$y", name: 'm-one.sock' } });
    expect(words).toContain(String.raw`-C '/da ta,,'\''x/$y' /usr/bin/socat`);
  });

  it('takes no name that socat would read as something else', () => {
    const way = { folder: '/data', name: 'x,exec:sh' };
    expect(() => netdevWords({ ...facts, way })).toThrow(/cannot be a machine's egress/);
  });
});

function listenAddress({ netdev }: NetworkAttachment): string {
  return /hostfwd=tcp:(?<host>[\d.]+):8080-/.exec(netdev)?.groups?.['host'] ?? '';
}
