import { expect, it } from 'vitest';

import { createVirtualClock } from '@sallyport/testkit';

import { createMetrics } from '../../packages/server/src/http/metrics.ts';
import {
  agentOf,
  connect,
  createWorld,
  credential,
  ended,
  runPrompt,
  signInUrl,
  startLogin,
  until,
  userId,
} from '../flows/world.ts';
import type { World, WorldOptions } from '../flows/world.ts';

/** A world whose events the server's metrics hear, and the lines of one of their histograms. */
function measured(options: WorldOptions = {}) {
  // For logins and machines, only the times in events count, which are those of the world's clock.
  const metrics = createMetrics(createVirtualClock());
  const world = createWorld({ ...options, plugins: metrics.plugins });
  const lines = async (name: string): Promise<readonly string[]> =>
    (await metrics.print()).split('\n').filter((line) => new RegExp(`^sallyport_${name}_(count|sum)\\{`).test(line));
  return { world, lines };
}

/** One login that its user takes so long for. */
async function logIn(world: World, seconds: number, hold = false): Promise<void> {
  const { sessionId } = await world.app.logins.start({ userId, externalId: null, provider: 'fake', hold });
  const agent = await agentOf(world, sessionId);
  await world.clock.advance(seconds * 1000);
  agent.offer('fake', credential(1));
  agent.emit({ type: 'login.finished', sessionId });
  expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
}

it('observes how long a login took that completed', async () => {
  const { world, lines } = measured();
  await logIn(world, 42);
  expect(await lines('login_seconds')).toEqual([
    'sallyport_login_seconds_sum{provider="fake",outcome="completed"} 42',
    'sallyport_login_seconds_count{provider="fake",outcome="completed"} 1',
  ]);
  await world.app.close();
});

it('observes a login that waits for its claim once, when it ends', async () => {
  const { world, lines } = measured();
  await logIn(world, 7, true);
  const [{ sessionId } = { sessionId: '' }] = world.events.flatMap((event) =>
    event.type === 'login.held' ? event : [],
  );
  await world.clock.advance(60_000);
  await world.app.heldLogins.claim(await world.app.logins.get(sessionId), { externalId: null, replace: false });
  expect(await lines('login_seconds')).toEqual([
    'sallyport_login_seconds_sum{provider="fake",outcome="held"} 7',
    'sallyport_login_seconds_count{provider="fake",outcome="held"} 1',
  ]);
  await world.app.close();
});

it('observes how long a login took that failed, under its code', async () => {
  const { world, lines } = measured();
  const { sessionId } = await startLogin(world);
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  await until(async () => (await world.app.logins.get(sessionId)).status === 'awaiting_user_auth', 'the user is asked');
  await world.clock.advance(9_000);
  agent.emit({ type: 'login.failed', sessionId, code: 'LOGIN_DENIED', message: 'Denied.', screen: '' });
  const { status, errorCode } = await ended(world, sessionId);
  expect([status, errorCode]).toEqual(['failed', 'LOGIN_DENIED']);
  expect(await lines('login_seconds')).toEqual([
    'sallyport_login_seconds_sum{provider="fake",outcome="LOGIN_DENIED"} 9',
    'sallyport_login_seconds_count{provider="fake",outcome="LOGIN_DENIED"} 1',
  ]);
  await world.app.close();
});

it('tells a machine that was started ahead from one that was not', async () => {
  const warmPool = { count: 1, keepMs: 60_000, refillDelayMs: 5_000 };
  const { world, lines } = measured({ installed: ['fake'], settings: { warmPool } });
  world.app.warmPool.expect();
  await until(() => world.fake.machines.some(({ running }) => running), 'a machine is started ahead');
  world.fake.newest('browser').agent.emit({ type: 'desktop.ready' });
  await until(() => world.app.warmPool.ready() === 1, 'a machine is ready');
  expect(await lines('machine_start_seconds')).toEqual([]);
  await logIn(world, 1);
  expect(await lines('machine_start_seconds')).toContain(
    'sallyport_machine_start_seconds_count{role="browser",start="warm"} 1',
  );
  expect((await lines('machine_start_seconds')).join()).not.toContain('role="browser",start="cold"');
  await world.app.close();
});

it('tells a machine that woke from its first start', async () => {
  const { world, lines } = measured({ features: { hibernate: true } });
  await world.app.start();
  await connect(world);
  await runPrompt(world);
  const asleep = async (): Promise<boolean> =>
    (await world.store.machines.list()).some(({ state }) => state === 'hibernated');
  await world.clock.advance(6 * 60_000);
  await until(asleep, 'the machine hibernates');
  const counts = async () => (await lines('machine_start_seconds')).filter((line) => line.includes('_count'));
  expect(await counts()).toEqual(['sallyport_machine_start_seconds_count{role="cli",start="cold"} 1']);
  await runPrompt(world);
  expect(await counts()).toEqual([
    'sallyport_machine_start_seconds_count{role="cli",start="cold"} 1',
    'sallyport_machine_start_seconds_count{role="cli",start="wake"} 1',
  ]);
  await world.app.close();
});
