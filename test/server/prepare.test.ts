import { afterEach, describe, expect, it } from 'vitest';

import { createVirtualClock } from '@sallyport/testkit';

import { startTestServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

const closing: TestServer[] = [];
afterEach(async () => {
  for (const server of closing.splice(0)) await server.close();
});

/** A server that can prewarm machines. `looked` counts how often it began to: the first step is to find the CLIs. */
async function setUp() {
  const clock = createVirtualClock();
  let looked = 0;
  const findCli = async (): Promise<string> => {
    looked += 1;
    return '/nowhere/cli';
  };
  const server = await startTestServer({ clock, findCli });
  closing.push(server);
  const prepare = (body: object = {}): Promise<Response> => server.post('/api/auth/prepare', body);
  const machines = async (): Promise<number> => (await server.driver.list()).length;
  return { server, clock, prepare, machines, looked: () => looked };
}

describe('POST /api/auth/prepare', () => {
  it('starts a machine, which a look at the providers does not', async () => {
    const { server, prepare, machines, looked } = await setUp();
    expect((await server.request('/api/providers')).status).toBe(200);
    expect([looked(), await machines()]).toEqual([0, 0]);
    const response = await prepare();
    expect([response.status, await response.text()]).toEqual([202, '']);
    await expect.poll(machines).toBe(1);
    server.agentEvents.put({ type: 'desktop.ready' });
    await expect.poll(() => server.sallyport.warmPool.ready()).toBe(1);
  });

  it('starts no second machine while one is under way or ready', async () => {
    const { server, prepare, machines, looked } = await setUp();
    await prepare();
    await prepare({ provider: 'fake', userId: 'ada' });
    await expect.poll(machines).toBe(1);
    await prepare();
    server.agentEvents.put({ type: 'desktop.ready' });
    await expect.poll(() => server.sallyport.warmPool.ready()).toBe(1);
    expect((await prepare({ userId: 'ada' })).status).toBe(202);
    expect([looked(), await machines()]).toEqual([1, 1]);
  });

  it('starts none for a provider that is unknown or switched off', async () => {
    const { server, prepare, looked } = await setUp();
    const unknown = await prepare({ provider: 'nothing' });
    expect([unknown.status, Object(await unknown.json()).code]).toEqual([404, 'PROVIDER_UNKNOWN']);
    expect((await prepare({ provider: 5 })).status).toBe(400);
    expect((await prepare({ nonsense: true })).status).toBe(400);
    await server.sallyport.store.providerSwitches.set('fake', true);
    await expect.poll(() => server.sallyport.gate.closed('fake')?.code).toBe('PROVIDER_DISABLED');
    expect(Object(await (await prepare({ provider: 'fake' })).json()).code).toBe('PROVIDER_DISABLED');
    expect(looked()).toBe(0);
  });

  it('is refused to a user who asks more than 30 times a minute, and to no other', async () => {
    const { clock, prepare } = await setUp();
    for (let count = 0; count < 30; count += 1) expect((await prepare({ userId: 'ada' })).status).toBe(202);
    await clock.advance(18_500);
    const refused = await prepare({ userId: 'ada' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '42']);
    expect(Object(await refused.json()).code).toBe('LIMIT_REACHED');
    expect((await prepare({ userId: 'bob' })).status).toBe(202);
    await clock.advance(41_500);
    expect((await prepare({ userId: 'ada' })).status).toBe(202);
  });

  it('is refused to everyone after 1000 in a minute, of which those refused to one user are none', async () => {
    const { clock, prepare } = await setUp();
    for (let count = 0; count < 100; count += 1) await prepare({ userId: 'ada' });
    const statuses = new Set<number>();
    for (let count = 30; count < 1000; count += 1) statuses.add((await prepare({ userId: `user ${count}` })).status);
    expect([...statuses]).toEqual([202]);
    await clock.advance(18_500);
    const refused = await prepare({ userId: 'bob' });
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '42']);
    expect(Object(await refused.json()).detail).toBe(
      'There are 1000 preparations in a minute already, which is the limit.',
    );
    await clock.advance(41_500);
    expect((await prepare({ userId: 'bob' })).status).toBe(202);
  });
});
