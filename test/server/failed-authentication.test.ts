import { createVirtualClock } from '@sallyport/testkit';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { createTrustedProxies } from '../../packages/server/src/auth/trusted-proxies.ts';
import { createIdentities } from './identities.ts';
import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const closing: TestServer[] = [];
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close();
});

async function setUp() {
  const clock = createVirtualClock();
  const identities = createIdentities(clock);
  const server = await startTestServer({
    clock,
    authentication: identities.authentication,
    trustedProxies: createTrustedProxies(['127.0.0.1']),
  });
  closing.push(server);
  const key = await identities.apiKey('admin');
  const { apiKeys } = server.sallyport.store;
  const reads = { get: vi.spyOn(apiKeys, 'get'), list: vi.spyOn(apiKeys, 'list') };
  const ask = (token: string | undefined, client = '192.0.2.1'): Promise<Response> =>
    server.request('/api/vms?userId=ada', {
      headers: { 'x-forwarded-for': client, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    });
  const statusOf = async (...asked: Parameters<typeof ask>): Promise<number> => (await ask(...asked)).status;
  const fail = async (times: number, token = wrongKey(key)): Promise<readonly number[]> => {
    const statuses = [];
    for (let time = 0; time < times; time += 1) statuses.push(await statusOf(token));
    return statuses;
  };
  return { clock, identities, key, reads, ask, statusOf, fail };
}

/** The id of the key is right. */
function wrongKey(key: string): string {
  return key.replace(/.{43}$/, 'A'.repeat(43));
}

const times = (count: number, status: number): readonly number[] => Array.from({ length: count }, () => status);

describe('API keys and tokens that are refused', () => {
  it('are limited to 30 in a minute for each client, as the proxy names it', async () => {
    const { clock, ask, statusOf, fail, key } = await setUp();
    expect(await fail(30)).toEqual(times(30, 401));
    await clock.advance(18_500);
    const refused = await ask('nonsense');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '42']);
    expect(await refused.json()).toMatchObject({ code: 'LIMIT_REACHED', retryable: true });
    expect(await statusOf(wrongKey(key), '192.0.2.2')).toBe(401);
    await clock.advance(41_500);
    expect(await fail(1)).toEqual([401]);
  });

  it('lock nobody out behind the same address', async () => {
    const { clock, identities, key, statusOf, fail } = await setUp();
    const token = await identities.userToken('ada');
    await fail(31);
    expect([await statusOf(key), await statusOf(token)]).toEqual([200, 200]);
    await clock.advance(1000);
    // Never seen before.
    expect(await statusOf(await identities.apiKey('service'))).toBe(200);
    expect(await statusOf(await identities.userToken('ada'))).toBe(200);
    expect(await fail(1)).toEqual([429]);
  });

  it('cost no read of the database over the limit, but for one a second', async () => {
    const { clock, key, reads, fail, statusOf } = await setUp();
    await fail(30);
    expect([reads.get.mock.calls.length, reads.list.mock.calls.length]).toEqual([30, 0]);
    await fail(50);
    await fail(50, 'sallyport_key_0123456789abcdef_'.padEnd(74, 'B'));
    expect([reads.get.mock.calls.length, reads.list.mock.calls.length]).toEqual([30, 1]);
    await clock.advance(1000);
    await fail(1);
    expect([reads.get.mock.calls.length, reads.list.mock.calls.length]).toEqual([30, 2]);
    // A valid one is still looked up each time: it may have been revoked.
    expect(await statusOf(key)).toBe(200);
    expect(reads.get.mock.calls.length).toBe(31);
  });

  it('do not include requests without one, nor tokens that were valid', async () => {
    const { identities, ask, statusOf, fail } = await setUp();
    const token = await identities.userToken('ada', { expiresInSeconds: -1 });
    expect(await fail(40, token)).toEqual(times(40, 401));
    for (let time = 0; time < 40; time += 1) expect(await statusOf(undefined)).toBe(401);
    expect(await fail(30)).toEqual(times(30, 401));
    // A client has to learn from these that it needs another token.
    expect(await (await ask(token)).json()).toMatchObject({
      code: 'ACCESS_UNAUTHENTICATED',
      details: { expired: true },
    });
    expect(await statusOf(undefined)).toBe(401);
    expect(await fail(1)).toEqual([429]);
  });
});
