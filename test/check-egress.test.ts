import { createServer } from 'node:net';

import { Secret, systemClock } from '@sallyport/core';
import { createPortPerUserEgress, createProxyEgress } from '@sallyport/machines';
import type { UpstreamProxy } from '@sallyport/machines';
import { createFakeProvider, createFakeUpstream } from '@sallyport/testkit';
import { createCertificateAuthority } from '@sallyport/testkit/vendors';
import { afterEach, describe, expect, it } from 'vitest';

import { checkEgress } from '../packages/server/src/app/check-egress.ts';

const login = { username: 'sallyport', password: 'canary-upstream' };
const authority = await createCertificateAuthority(Date.now());
const gateway = { directory: '/nowhere', clock: systemClock, resolve: async () => ['93.184.216.34'] };
const manifests = [createFakeProvider().manifest];
const { signal } = new AbortController();
const undo: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const step of undo.splice(0)) await step();
});

async function startUpstream(protocol: UpstreamProxy['protocol']) {
  const upstream = createFakeUpstream({ protocol, authority, ...login });
  undo.push(() => upstream.close());
  const port = await upstream.openPort('198.51.100.1');
  return { upstream, proxy: { protocol, host: upstream.host, port, username: login.username } };
}

function ask(proxy: UpstreamProxy) {
  return checkEgress({ egress: createProxyEgress({ ...gateway, proxy }), manifests, clock: systemClock, signal });
}

describe.each(['http', 'https', 'socks5'] as const)('the egress through a proxy that speaks %s', (protocol) => {
  it('is open, which is found out by one connection to a host of a provider', async () => {
    const { upstream, proxy } = await startUpstream(protocol);
    const open = { ...proxy, password: new Secret(login.password), certificateAuthority: authority.certificate };
    expect(await ask(open)).toMatchObject({ state: 'ok' });
    expect(upstream.requests).toEqual([{ port: proxy.port, target: '93.184.216.34:443', outcome: 'opened' }]);
  });

  it('is closed to a wrong password, and says so without printing it', async () => {
    const { proxy } = await startUpstream(protocol);
    const wrong = { ...proxy, password: new Secret('canary-wrong'), certificateAuthority: authority.certificate };
    const check = await ask(wrong);
    expect(check).toEqual({
      name: 'egress of the machines',
      state: 'missing',
      found: `The upstream proxy 127.0.0.1:${proxy.port} does not accept the user and password. Nothing leaves another way.`,
      fix: 'Correct `username` and `password` of `egress` in the configuration.',
    });
  });

  it('is closed where nobody listens', async () => {
    const { upstream, proxy } = await startUpstream(protocol);
    await upstream.close();
    expect(await ask(proxy)).toMatchObject({
      state: 'missing',
      found: expect.stringContaining('could not be reached (ECONNREFUSED)'),
      fix: expect.stringContaining('`host` and `port`'),
    });
  });
});

describe('the egress through a proxy with TLS', () => {
  it('is closed where its certificate is nobody’s that is trusted', async () => {
    const { proxy } = await startUpstream('https');
    expect(await ask({ ...proxy, password: new Secret(login.password) })).toMatchObject({
      state: 'missing',
      found: expect.stringContaining('has a certificate that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE)'),
      fix: expect.stringContaining('certificateAuthority'),
    });
  });

  it('is closed where the proxy speaks none', async () => {
    const { proxy } = await startUpstream('http');
    expect(await ask({ ...proxy, protocol: 'https' })).toMatchObject({
      state: 'missing',
      found: expect.stringContaining('does not speak TLS ('),
    });
  });
});

it('with a port for each user is asked at the port of the first user', async () => {
  const { upstream, proxy } = await startUpstream('http');
  const password = new Secret(login.password);
  const { host, username, port } = proxy;
  const egress = createPortPerUserEgress({ ...gateway, host, username, password, checkPort: port });
  expect(await checkEgress({ egress, manifests, clock: systemClock, signal })).toMatchObject({ state: 'ok' });
  expect(upstream.requests).toMatchObject([{ port, outcome: 'opened' }]);
});

it('is closed where whatever listens there never answers', async () => {
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  undo.push(() => new Promise((resolve) => silent.close(() => resolve())));
  const sockets: { destroy(): void }[] = [];
  silent.on('connection', (socket) => sockets.push(socket));
  const bound = silent.address();
  if (bound === null || typeof bound === 'string') throw new Error('It has a port.');
  const { port } = bound;
  const hurried = {
    ...systemClock,
    deadline: (_ms: number, reason: () => unknown, parent?: AbortSignal) => systemClock.deadline(100, reason, parent),
  };
  const egress = createProxyEgress({ ...gateway, proxy: { protocol: 'http', host: '127.0.0.1', port } });
  expect(await checkEgress({ egress, manifests, clock: hurried, signal })).toMatchObject({
    state: 'missing',
    found: expect.stringContaining('opened no connection in 15 s'),
  });
  for (const socket of sockets) socket.destroy();
});
