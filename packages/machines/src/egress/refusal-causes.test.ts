import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SallyportError } from '@sallyport/core';
import type { RefusalReason } from '@sallyport/core/egress';
import { createVirtualClock } from '@sallyport/testkit';
import type { VirtualClock } from '@sallyport/testkit';
import { expect, it, onTestFinished } from 'vitest';

import { createDirectEgress } from './direct.ts';
import type { DirectEgressOptions } from './direct.ts';

const never = new Promise<never>(() => {});

type Host = Pick<Partial<DirectEgressOptions>, 'resolve' | 'dial'>;

const answering = (...addresses: string[]): Host => ({ resolve: async () => addresses });

const failing = (code: string): Error => Object.assign(new Error('quotes what it sent'), { code });

/** The time for a connection runs out while this is waited for. */
const untilTooLate = (clock: VirtualClock) => (): Promise<never> => {
  void clock.advance(15_000);
  return never;
};

/** One CONNECT to an allowed host, from a server whose name service and network are like this. */
async function connectFrom(host: Host, clock = createVirtualClock()) {
  const directory = mkdtempSync(join(tmpdir(), 'sp-causes-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const egress = createDirectEgress({ directory, clock, dial: () => never, ...host });
  const identity = { userId: 'u' };
  const plan = { machineId: 'm', userId: 'u', purpose: 'work', hosts: ['api.example.com'], identity } as const;
  const refused: { readonly reason: RefusalReason; readonly problem: string | undefined }[] = [];
  const { signal } = new AbortController();
  const route = await egress.open(plan, {
    signal,
    onRefused: (_host, reason, problem) => void refused.push({ reason, problem }),
  });
  onTestFinished(() => route.close());
  const socket = connect(route.socketPath);
  socket.write('CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n');
  const answer = once(socket, 'data');
  const [status] = await answer;
  socket.destroy();
  const [first] = refused;
  return {
    status: String(status).slice(9, 12),
    told: refused.length,
    reason: first?.reason,
    problem: first?.problem ?? '',
  };
}

it.each<[address: string, source: RegExp, fix: RegExp]>([
  ['198.18.0.7', /fake-IP/, /`egress`/],
  ['198.19.255.254', /fake-IP/, /`egress`/],
  ['::ffff:198.18.0.7', /fake-IP/, /`egress`/],
  ['64:ff9b::5db8:d822', /NAT64 \(DNS64\)/, /`egress`/],
  ['64:ff9b:1::5db8:d822', /NAT64 \(DNS64\)/, /`egress`/],
  ['0.0.0.0', /block list/, /off that list/],
  ['127.0.0.1', /block list/, /off that list/],
  ['::', /block list/, /off that list/],
  ['::1', /block list/, /off that list/],
  ['100.100.100.100', /Tailscale/, /`egress`/],
  ['10.0.0.7', /private or reserved/, /\/etc\/resolv\.conf/],
  ['169.254.169.254', /private or reserved/, /\/etc\/resolv\.conf/],
  ['fd00::7', /private or reserved/, /\/etc\/resolv\.conf/],
])('refuses a host that resolves to %s, and tells the operator who gave that address', async (address, source, fix) => {
  for (const host of [answering(address), answering('93.184.216.34', address)]) {
    const { status, told, reason, problem } = await connectFrom(host);
    expect({ status, told, reason }).toEqual({ status: '403', told: 1, reason: 'not-public' });
    expect(problem).toContain(`api.example.com resolves to ${address}, which is not a public address.`);
    expect(problem).toMatch(source);
    expect(problem).toMatch(fix);
  }
});

const upstreamError = new SallyportError('EGRESS_FAILED', 'The upstream proxy p:1 does not accept the password.', {
  hint: 'Correct `password` of `egress`.',
});

it.each<[what: string, host: Host, reason: RefusalReason, problem: RegExp]>([
  ['a name that does not resolve', { resolve: () => Promise.reject(failing('ENOTFOUND')) }, 'not-found', /ENOTFOUND/],
  ['a name service that is down', { resolve: () => Promise.reject(failing('EAI_AGAIN')) }, 'not-found', /EAI_AGAIN/],
  ['a name without an address', answering(), 'not-found', /finds no address for api\.example\.com/],
  [
    'a host that refuses',
    { ...answering('93.184.216.34'), dial: () => Promise.reject(failing('ECONNREFUSED')) },
    'unreachable',
    /does not answer on port 443 \(ECONNREFUSED\).*`egress`/,
  ],
  [
    'a network without IPv6',
    { ...answering('2606:2800:220:1::1'), dial: () => Promise.reject(failing('ENETUNREACH')) },
    'unreachable',
    /ENETUNREACH/,
  ],
  [
    'an upstream proxy that refuses',
    { ...answering('93.184.216.34'), dial: () => Promise.reject(upstreamError) },
    'upstream',
    /^The upstream proxy p:1 does not accept the password\. Correct `password` of `egress`\.$/,
  ],
])('tells the operator why a connection came to nothing: %s', async (_what, host, reason, problem) => {
  const found = await connectFrom(host);
  expect(found).toMatchObject({ status: '502', told: 1, reason });
  expect(found.problem).toMatch(problem);
  expect(found.problem).not.toContain('quotes what it sent');
});

it('tells what did not answer in time: the name service, or the host', async () => {
  const clocks = [createVirtualClock(), createVirtualClock()] as const;
  const slowNames = await connectFrom({ resolve: untilTooLate(clocks[0]) }, clocks[0]);
  expect(slowNames).toMatchObject({ status: '502', told: 1, reason: 'not-found' });
  expect(slowNames.problem).toContain('no answer within 15 s');
  const slowHost = await connectFrom({ ...answering('93.184.216.34'), dial: untilTooLate(clocks[1]) }, clocks[1]);
  expect(slowHost).toMatchObject({ status: '502', told: 1, reason: 'unreachable' });
  expect(slowHost.problem).toContain('no answer within 15 s');
});
