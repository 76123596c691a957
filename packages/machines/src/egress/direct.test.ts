import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { systemClock } from '@sallyport/core';
import type { EgressRoute } from '@sallyport/core/egress';
import { createVirtualClock } from '@sallyport/testkit';
import { afterEach, describe, expect, it } from 'vitest';

import { countSockets } from '../../../../test/setup/count-sockets.ts';
import { createDirectEgress } from './direct.ts';
import type { DirectEgressOptions } from './direct.ts';

const signal = new AbortController().signal;
const cleaners: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).toReversed()) {
    await clean();
  }
});

interface Bench {
  readonly route: EgressRoute;
  readonly dialled: string[];
  readonly refused: string[];
}

interface OpenOptions extends Partial<DirectEgressOptions> {
  readonly hosts?: readonly string[];
}

/** A route whose dialler leads to an echo server of this host, whatever public address it is given. */
async function open({
  hosts = ['api.example.com', '*.cdn.example.com'],
  ...options
}: OpenOptions = {}): Promise<Bench> {
  const root = mkdtempSync(join(tmpdir(), 'sp-egress-'));
  cleaners.push(() => rmSync(root, { recursive: true, force: true }));
  const echoPath = join(root, 'echo.sock');
  const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket).on('error', () => {}));
  await new Promise<void>((resolve) => echo.listen(echoPath, resolve));
  cleaners.push(() => echo.close());
  const dialled: string[] = [];
  const refused: string[] = [];
  const egress = createDirectEgress({
    directory: join(root, 'egress'),
    clock: systemClock,
    resolve: async () => ['93.184.216.34'],
    dial: async (address, port) => {
      dialled.push(`${address}:${port}`);
      return connect(echoPath);
    },
    ...options,
  });
  const plan = {
    machineId: 'm-one',
    userId: 'u',
    purpose: 'work',
    hosts,
    identity: { userId: 'u' },
  } as const;
  const route = await egress.open(plan, { signal, onRefused: (host) => void refused.push(host) });
  cleaners.push(() => route.close());
  return { route, dialled, refused };
}

function send(
  route: EgressRoute,
  text: string,
): { socket: Socket; until(mark: string): Promise<string>; ended: Promise<string> } {
  const socket = connect(route.socketPath);
  cleaners.push(() => socket.destroy());
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  socket.on('error', () => {});
  socket.write(text);
  return {
    socket,
    ended: new Promise((resolve) => socket.once('close', () => resolve(received))),
    until: (mark) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (received.includes(mark)) {
            resolve(received);
          }
        };
        socket.on('data', look);
        look();
      }),
  };
}

async function resolveAsHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

const connectTo = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

describe('the direct egress', () => {
  it('tunnels to an allowed host, by the address it resolved itself', async () => {
    const { route, dialled } = await open();
    const tunnel = send(route, `${connectTo('API.example.com:443')}early `);
    await tunnel.until('200 Connection Established');
    tunnel.socket.write('late');
    expect(await tunnel.until('early late')).toContain('\r\n\r\nearly late');
    expect(dialled).toEqual(['93.184.216.34:443']);
  });

  it.each([
    'evil.com:443',
    'api.example.com:80',
    'api.example.com:8443',
    'api.example.com',
    'notapi.example.com:443',
    'api.example.com.evil.com:443',
    'cdn.example.com:443',
    '1.1.1.1:443',
    '[::1]:443',
    'user@api.example.com:443',
  ])('refuses %s and says so', async (authority) => {
    const { route, dialled, refused } = await open();
    expect(await send(route, connectTo(authority)).ended).toMatch(/^HTTP\/1.1 (403|400)/);
    expect(dialled).toEqual([]);
    expect(refused.length <= 1 && refused.every((host) => authority.toLowerCase().startsWith(host))).toBe(true);
  });

  describe('with all public hosts allowed', () => {
    const hosts = ['*'];

    it.each(['registry.npmjs.org', 'WWW.Example.ORG.', 'xn--bcher-kva.example'])('leads to %s', async (host) => {
      const { route, dialled } = await open({ hosts });
      await send(route, connectTo(`${host}:443`)).until('200 Connection Established');
      expect(dialled).toEqual(['93.184.216.34:443']);
    });

    it.each([
      'registry.npmjs.org:80',
      'registry.npmjs.org:22',
      '1.1.1.1:443',
      '2130706433:443',
      '[::ffff:169.254.169.254]:443',
      'bücher.example:443',
      '127。0。0。1:443',
      'a b.example:443',
    ])('still refuses %s', async (authority) => {
      const { route, dialled } = await open({ hosts });
      expect(await send(route, connectTo(authority)).ended).toMatch(/^(HTTP\/1.1 (403|400)|$)/);
      expect(dialled).toEqual([]);
    });

    // Names as the host's own resolver understands them, among them some that are numbers in disguise.
    it.each(['localhost', 'localhost.', 'LOCALHOST', '0x7f.1', '0x7f000001', '017700000001x', 'metadata.test'])(
      'leads nowhere for %s',
      async (host) => {
        const { route, dialled } = await open({ hosts, resolve: resolveAsHost });
        expect(await send(route, connectTo(`${host}:443`)).ended).toMatch(/^HTTP\/1.1 (403|502)/);
        expect(dialled).toEqual([]);
      },
    );

    it('looks at each answer of a name service again: one that was public may be private the next time', async () => {
      const answers = [['93.184.216.34'], ['169.254.169.254']];
      const { route, dialled, refused } = await open({ hosts, resolve: async () => answers.shift() ?? [] });
      await send(route, connectTo('rebind.test:443')).until('200 Connection Established');
      expect(await send(route, connectTo('rebind.test:443')).ended).toMatch(/^HTTP\/1.1 403/);
      expect(dialled).toEqual(['93.184.216.34:443']);
      expect(refused).toEqual(['rebind.test']);
    });
  });

  it('refuses requests that are not CONNECT', async () => {
    const { route, dialled } = await open();
    const answer = await send(route, 'GET http://api.example.com/ HTTP/1.1\r\nHost: api.example.com\r\n\r\n').ended;
    expect(answer).toMatch(/^HTTP\/1.1 403/);
    expect(dialled).toEqual([]);
  });

  it.each([[['127.0.0.1']], [['93.184.216.34', '10.0.0.1']], [['::ffff:169.254.169.254']]])(
    'refuses an allowed name that resolves to %j',
    async (addresses) => {
      const { route, dialled, refused } = await open({ resolve: async () => addresses });
      expect(await send(route, connectTo('api.example.com:443')).ended).toMatch(/^HTTP\/1.1 403/);
      expect(dialled).toEqual([]);
      expect(refused).toEqual(['api.example.com']);
    },
  );

  it('tries the next address when one does not answer, and fails when none does', async () => {
    let fail = 1;
    const echo = createServer((socket) => socket.end('second'));
    const directory = mkdtempSync(join(tmpdir(), 'sp-egress-'));
    cleaners.push(() => rmSync(directory, { recursive: true, force: true }));
    await new Promise<void>((resolve) => echo.listen(join(directory, 's'), resolve));
    cleaners.push(() => echo.close());
    const { route } = await open({
      resolve: async () => ['93.184.216.34', '93.184.216.35'],
      dial: async () => {
        if (fail-- > 0) throw new Error('ECONNREFUSED');
        return connect(join(directory, 's'));
      },
    });
    expect(await send(route, connectTo('a.cdn.example.com:443')).ended).toContain('second');
    fail = 2;
    expect(await send(route, connectTo('a.cdn.example.com:443')).ended).toMatch(/^HTTP\/1.1 502/);
  });

  it('gives up on a name or a host that does not answer in time', async () => {
    for (const part of ['resolve', 'dial'] as const) {
      const clock = createVirtualClock();
      const asked = Promise.withResolvers<void>();
      const never = (): Promise<never> => {
        asked.resolve();
        return new Promise(() => {});
      };
      const { route } = await open({ clock, limits: { connectMs: 1000 }, [part]: never });
      const { ended } = send(route, connectTo('api.example.com:443'));
      await asked.promise;
      await clock.advance(999);
      expect(clock.pending).toBe(1);
      await clock.advance(1);
      expect(await ended).toMatch(/^HTTP\/1.1 502/);
    }
  });

  it('looks names of a machine up one at a time, and none for a client that has given up', async () => {
    const clock = createVirtualClock();
    const asked: string[] = [];
    const lookUps: PromiseWithResolvers<string[]>[] = [];
    let begun = Promise.withResolvers<void>();
    const resolve = async (host: string): Promise<string[]> => {
      asked.push(host);
      const lookUp = Promise.withResolvers<string[]>();
      lookUps.push(lookUp);
      begun.resolve();
      return lookUp.promise;
    };
    const { route } = await open({ clock, limits: { connectMs: 1000 }, resolve });
    const slow = send(route, connectTo('slow.cdn.example.com:443'));
    await begun.promise;
    const next = send(route, connectTo('next.cdn.example.com:443'));
    // Both wait for their time to be over.
    while (clock.pending < 2) await setImmediate();
    await clock.advance(1000);
    for (const client of [slow, next]) expect(await client.ended).toMatch(/^HTTP\/1.1 502/);
    const last = send(route, connectTo('last.cdn.example.com:443'));
    while (clock.pending < 1) await setImmediate();
    expect(asked).toEqual(['slow.cdn.example.com']);
    begun = Promise.withResolvers();
    lookUps[0]?.resolve([]);
    await begun.promise;
    expect(asked).toEqual(['slow.cdn.example.com', 'last.cdn.example.com']);
    lookUps[1]?.resolve(['93.184.216.34']);
    await last.until('200');
  });

  it('closes a tunnel in which nothing moves, and not one in which something does', async () => {
    const clock = createVirtualClock();
    const { route } = await open({ clock, limits: { idleMs: 1000 } });
    const tunnel = send(route, connectTo('api.example.com:443'));
    await tunnel.until('200');
    for (let beat = 0; beat < 5; beat++) {
      await clock.advance(999);
      tunnel.socket.write(`beat${beat}`);
      expect(await Promise.race([tunnel.until(`beat${beat}`), tunnel.ended])).toContain(`beat${beat}`);
    }
    await clock.advance(999);
    // Only the watch on this tunnel sleeps on this clock: it has not given up yet.
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    await tunnel.ended;
  });

  it('has a limit for connections of one machine', async () => {
    const { route } = await open({ limits: { connections: 2 } });
    const first = [1, 2].map(() => send(route, connectTo('api.example.com:443')));
    await Promise.all(first.map((tunnel) => tunnel.until('200')));
    expect(await send(route, connectTo('api.example.com:443')).ended).toMatch(/^HTTP\/1.1 503/);
  });

  it.each(['evil.com:443', 'nowhere'])(
    'destroys the sockets of refused requests to %s that the machine keeps half open',
    async (authority) => {
      const clock = createVirtualClock();
      const { route } = await open({ clock });
      const before = countSockets();
      const clients = Array.from({ length: 20 }, () => {
        const socket = connect({ path: route.socketPath, allowHalfOpen: true });
        cleaners.push(() => socket.destroy());
        socket.write(connectTo(authority));
        return socket;
      });
      for (const socket of clients) expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 403/);
      await clock.advance(1_000);
      await setImmediate();
      expect(countSockets() - before).toBe(clients.length);
      expect(clock.pending).toBe(0);
    },
  );

  it('caps the open connections of one machine, silent ones included, and says so', async () => {
    const clock = createVirtualClock();
    const { route } = await open({ clock, limits: { sockets: 5 } });
    const before = countSockets();
    const silent = Array.from({ length: 60 }, () => {
      const socket = connect({ path: route.socketPath, allowHalfOpen: true }).on('error', () => {});
      cleaners.push(() => socket.destroy());
      return socket;
    });
    await Promise.all(silent.map((socket) => once(socket, 'connect')));
    expect(await send(route, '').ended).toBe('');
    await clock.advance(1_000);
    await setImmediate();
    expect(countSockets() - before).toBe(silent.length + 5);
    expect(await send(route, connectTo('api.example.com:443')).ended).toMatch(/^HTTP\/1.1 503/);
    silent[0]?.destroy();
    await setImmediate();
    await send(route, connectTo('api.example.com:443')).until('200');
  });

  it('slows the sender down when the receiver does not read', async () => {
    const size = 16 * 1024 * 1024;
    const arrived = Promise.withResolvers<void>();
    let [received, mostWaiting] = [0, 0];
    // Takes a piece every few turns of the event loop, in each of which the gateway could read many.
    const take = async (chunk: Buffer, done: () => void): Promise<void> => {
      mostWaiting = Math.max(mostWaiting, receiver.writableLength);
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      received += chunk.length;
      if (received === size) arrived.resolve();
      done();
    };
    const receiver = new Duplex({
      highWaterMark: 1024,
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => void take(chunk, done),
    });
    const { route } = await open({ dial: async () => receiver });
    const tunnel = send(route, connectTo('api.example.com:443'));
    await tunnel.until('200');
    tunnel.socket.write(Buffer.alloc(size));
    await arrived.promise;
    expect(mostWaiting).toBeLessThan(1024 * 1024);
  });

  it('that was opened ahead leads nowhere until it is assigned, and is assigned once', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sp-egress-'));
    cleaners.push(() => rmSync(root, { recursive: true, force: true }));
    const dialled: string[] = [];
    const egress = createDirectEgress({
      directory: join(root, 'egress'),
      clock: systemClock,
      resolve: async () => ['93.184.216.34'],
      dial: async (address, port) => {
        dialled.push(`${address}:${port}`);
        throw new Error('ECONNREFUSED');
      },
    });
    const route = await egress.reserve?.('m-one', { signal });
    if (!route) throw new Error('The direct egress opens no ways ahead.');
    cleaners.push(() => route.close());
    expect(await send(route, connectTo('api.example.com:443')).ended).toMatch(/^HTTP\/1.1 403/);
    const plan = {
      machineId: 'm-one',
      userId: 'u',
      purpose: 'sign-in',
      hosts: ['api.example.com'],
      identity: { userId: 'u' },
    } as const;
    expect((await route.assign(plan, { signal })).socketPath).toBe(route.socketPath);
    await send(route, connectTo('api.example.com:443')).ended;
    expect(await send(route, connectTo('other.example.com:443')).ended).toMatch(/^HTTP\/1.1 403/);
    expect(dialled).toEqual(['93.184.216.34:443']);
    await expect(route.assign(plan, { signal })).rejects.toMatchObject({ code: 'EGRESS_FAILED' });
  });

  it('closes with everything in it, leaves no socket, and can be closed twice', async () => {
    const { route } = await open();
    const tunnel = send(route, connectTo('api.example.com:443'));
    await tunnel.until('200');
    expect(statSync(route.socketPath).mode & 0o777).toBe(0o600);
    await route.close();
    await tunnel.ended;
    await route.close();
    expect(existsSync(route.socketPath)).toBe(false);
  });

  it('works in a directory whose path is too long for a socket', async () => {
    const root = mkdtempSync(join(tmpdir(), 'sp-egress-'));
    cleaners.push(() => rmSync(root, { recursive: true, force: true }));
    const { route } = await open({ directory: join(root, 'deep-'.repeat(30)) });
    expect(existsSync(route.socketPath)).toBe(true);
    await route.close();
    expect(existsSync(route.socketPath)).toBe(false);
  });

  it('throws when the socket cannot be made', async () => {
    await expect(open({ directory: '/dev/null/nowhere' })).rejects.toMatchObject({ code: 'EGRESS_FAILED' });
  });
});
