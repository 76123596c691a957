import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Secret, systemClock } from '@sallyport/core';
import type { Egress } from '@sallyport/core/egress';
import { createDirectEgress, createPortPerUserEgress, createProxyEgress } from '@sallyport/machines';
import type { Dial, GatewayOptions, UpstreamProxy } from '@sallyport/machines';
import { createFakeUpstream, describeEgress } from '@sallyport/testkit';
import { createCertificateAuthority } from '@sallyport/testkit/vendors';
import type { EgressUnderTest } from '@sallyport/testkit';
import { describe, expect, it } from 'vitest';

const runner = { describe, it, expect };
const login = { username: 'sallyport', password: 'canary-upstream:password' };

const authority = await createCertificateAuthority(Date.now());
const { certificate: certificateAuthority } = authority;
const protocols = ['http', 'https', 'socks5'] as const;

interface Surroundings {
  readonly gateway: GatewayOptions;
  readonly folder: string;
}

/** Names of the tests, resolved as a host's resolver would. */
async function makeSurroundings(): Promise<Surroundings> {
  const folder = await mkdtemp(join(tmpdir(), 'sp-egress-'));
  const resolve = async (host: string): Promise<readonly string[]> =>
    host === 'intranet.test' ? ['10.0.0.7'] : ['93.184.216.34'];
  return { folder, gateway: { directory: join(folder, 'egress'), clock: systemClock, resolve } };
}

const names = { host: 'site.test', otherHost: 'other.test', privateHost: 'intranet.test' } as const;

async function close(server: Server): Promise<void> {
  if (server.listening) await new Promise((resolve) => server.close(resolve));
}

/** Two users who leave through a fake upstream. */
async function throughUpstream(
  protocol: UpstreamProxy['protocol'],
  make: (gateway: GatewayOptions, proxy: UpstreamProxy) => Egress,
  addresses: readonly [string, string],
): Promise<EgressUnderTest> {
  const { gateway, folder } = await makeSurroundings();
  const upstream = createFakeUpstream({ protocol, authority, ...login });
  const [first, second] = addresses;
  const ports = [await upstream.openPort(first), await upstream.openPort(second)] as const;
  const proxy = { protocol, host: upstream.host, port: ports[0], username: login.username };
  return {
    ...names,
    egress: make(gateway, { ...proxy, password: new Secret(login.password), certificateAuthority }),
    people: [
      { identity: { userId: 'u-ada', proxyPort: ports[0] }, seenAs: first },
      { identity: { userId: 'u-bob', proxyPort: ports[1] }, seenAs: second },
    ],
    breakUpstream: () => upstream.close(),
    arrivals: () => upstream.requests.filter(({ outcome }) => outcome === 'opened').length,
    cleanUp: async () => {
      await upstream.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describeEgress(
  'direct',
  async () => {
    const { gateway, folder } = await makeSurroundings();
    let arrivals = 0;
    const socketPath = join(folder, 'site.sock');
    const site = createServer((socket) => {
      arrivals += 1;
      socket.on('error', () => socket.destroy());
      socket.write('203.0.113.1\n');
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => site.listen(socketPath, resolve));
    const dial: Dial = async () => {
      const socket = connect(socketPath);
      await once(socket, 'connect');
      return socket;
    };
    return {
      ...names,
      egress: createDirectEgress({ ...gateway, dial }),
      people: [
        { identity: { userId: 'u-ada' }, seenAs: '203.0.113.1' },
        { identity: { userId: 'u-bob' }, seenAs: '203.0.113.1' },
      ],
      breakUpstream: () => close(site),
      arrivals: () => arrivals,
      cleanUp: async () => {
        await close(site);
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
  runner,
);

for (const protocol of protocols) {
  describeEgress(
    `through one ${protocol} proxy`,
    () =>
      throughUpstream(protocol, (gateway, proxy) => createProxyEgress({ ...gateway, proxy }), [
        '198.51.100.1',
        '198.51.100.1',
      ]),
    runner,
  );

  describeEgress(
    `with a port for each user, by ${protocol}`,
    () =>
      throughUpstream(
        protocol,
        (gateway, { host, password = new Secret('') }) =>
          createPortPerUserEgress({
            ...gateway,
            host,
            protocol,
            certificateAuthority,
            username: login.username,
            password,
          }),
        ['198.51.100.1', '198.51.100.2'],
      ),
    runner,
  );
}

describe('an upstream proxy', () => {
  it.each(protocols)(
    'by %s that refuses the password lets nothing out, tells the operator, and shows the password to nobody',
    async (protocol) => {
      const { gateway, folder } = await makeSurroundings();
      const upstream = createFakeUpstream({ protocol, authority, ...login });
      const port = await upstream.openPort('198.51.100.1');
      const password = new Secret('canary-wrong');
      const egress = createProxyEgress({
        ...gateway,
        proxy: { protocol, host: upstream.host, port, username: login.username, password, certificateAuthority },
      });
      const identity = { userId: 'u-ada' };
      const plan = { machineId: 'm-one', userId: 'u-ada', purpose: 'work', hosts: ['site.test'], identity } as const;
      const told: unknown[][] = [];
      const { signal } = new AbortController();
      const route = await egress.open(plan, { signal, onRefused: (...refusal) => void told.push(refusal) });
      const answer = await new Promise<string>((resolve) => {
        const socket = connect(route.socketPath);
        let text = '';
        socket.on('data', (chunk) => (text += chunk.toString()));
        socket.once('close', () => resolve(text));
        socket.write('CONNECT site.test:443 HTTP/1.1\r\nHost: site.test:443\r\n\r\n');
      });
      expect(answer).toMatch(/^HTTP\/1\.1 502 /);
      expect(answer).not.toContain('canary');
      const cause = `The upstream proxy ${upstream.host}:${port} does not accept the user and password.`;
      const fix = 'Correct `username` and `password` of `egress` in the configuration.';
      expect(told).toEqual([['site.test', 'upstream', `${cause} ${fix}`]]);
      expect(upstream.requests).toEqual([{ port, target: undefined, outcome: 'wrong-password' }]);
      await route.close();
      await upstream.close();
      await rm(folder, { recursive: true, force: true });
    },
  );

  it('of a user without a port opens no egress', async () => {
    const { gateway, folder } = await makeSurroundings();
    const egress = createPortPerUserEgress({ ...gateway, host: '127.0.0.1', username: 'u', password: new Secret('p') });
    const plan = {
      machineId: 'm-one',
      userId: 'u-ada',
      purpose: 'work',
      hosts: [],
      identity: { userId: 'u-ada' },
    } as const;
    await expect(egress.open(plan, { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'EGRESS_FAILED',
      hint: expect.stringContaining('users table'),
    });
    await rm(folder, { recursive: true, force: true });
  });
});
