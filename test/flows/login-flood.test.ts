import { agentEventSchema } from '@sallyport/core/protocol';
import type { AgentEvent } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import { agentOf, createWorld, credential, ended, journalOf, phasesOf, signInUrl, startLogin, until } from './world.ts';
import type { World } from './world.ts';

/** Far more than any limit here, and little enough to be stored in no time by a server without one. */
const FLOOD = 2000;
/** What one login may leave behind: the limit of an attempt, and what the login itself writes before and after it. */
const MOST_STORED = 130;

type KindsOfEvents = {
  readonly [Type in AgentEvent['type']]: (sessionId: string, time: number) => Extract<AgentEvent, { type: Type }>;
};

/** Of each kind, an event that is different each time, and has as much of an effect as its machine can give it. */
const kinds: KindsOfEvents = {
  'login.url': (sessionId, time) => ({
    type: 'login.url',
    sessionId,
    url: signInUrl.replace('state=s', `state=s${time}`),
  }),
  'login.prompt': (sessionId) => ({
    type: 'login.prompt',
    sessionId,
    promptId: 'pin',
    label: 'PIN',
    kind: 'code',
    secret: true,
  }),
  'login.still': (sessionId, time) => ({ type: 'login.still', sessionId, screen: `screen ${time}` }),
  'login.awaiting-callback': (sessionId, time) => ({ type: 'login.awaiting-callback', sessionId, port: time }),
  'login.callback': (sessionId) => ({ type: 'login.callback', sessionId, ok: true }),
  'login.finished': (sessionId, time) => ({ type: 'login.finished', sessionId, unrecognised: `screen ${time}` }),
  'login.failed': (sessionId) => ({
    type: 'login.failed',
    sessionId,
    code: 'LOGIN_DENIED',
    message: 'Denied.',
    screen: '',
  }),
  'desktop.ready': () => ({ type: 'desktop.ready' }),
  'desktop.failed': (_sessionId, time) => ({ type: 'desktop.failed', message: `problem ${time}` }),
  'credential.offered': (sessionId, time) => ({
    type: 'credential.offered',
    sessionId,
    offerId: `flood-${time}`,
    provider: 'fake',
    files: credential(time + 1),
  }),
  'credential.rejected': (sessionId, time) => ({
    type: 'credential.rejected',
    sessionId,
    provider: 'fake',
    problem: `problem ${time}`,
  }),
};
const isKind = (type: string): type is AgentEvent['type'] => Object.hasOwn(kinds, type);
const types = Object.keys(kinds).filter(isKind);
/** These end the login at once, or some seconds later. */
const endings: readonly AgentEvent['type'][] = [
  'login.finished',
  'login.failed',
  'desktop.failed',
  'credential.offered',
];

/** Sends them all, and waits until the login has ended or has read the last. */
async function flood(
  world: World,
  sessionId: string,
  eventAt: (time: number) => AgentEvent | readonly AgentEvent[],
): Promise<void> {
  const agent = await agentOf(world, sessionId);
  for (let time = 0; time < FLOOD; time += 1) for (const event of [eventAt(time)].flat()) agent.emit(event);
  agent.emit({ type: 'login.still', sessionId, screen: 'the last' });
  await until(() => {
    const live = world.app.logins.live(sessionId);
    return live === undefined || live.screen === 'the last';
  }, 'the flood is over');
}

/** What the flood has cost the server. */
async function costOf(world: World, sessionId: string) {
  const calls = world.fake.machines.flatMap(({ boots, agent }) => (boots.length > 0 ? agent.calls : []));
  return {
    journal: (await world.store.sessions.events(sessionId, 0)).length,
    audit: (await world.store.audit.list({ limit: 100_000 })).length,
    requests: calls.filter((call) => call.startsWith('openPage') || call.startsWith('answer')).length,
    timers: world.clock.pending,
  };
}

async function expectCheap(world: World, sessionId: string): Promise<void> {
  const cost = await costOf(world, sessionId);
  expect(Math.max(...Object.values(cost)), JSON.stringify(cost)).toBeLessThan(MOST_STORED);
}

/** Named, so that no other is tried when it fails. */
const method = 'browser';
const pin = { id: 'pin', label: 'PIN', kind: 'code', secret: true } as const;

describe('a login whose machine floods it', () => {
  it('is tried with every kind of event that an agent can send', () => {
    expect(types.toSorted()).toEqual(agentEventSchema.options.map(({ shape }) => shape.type.value).toSorted());
  });

  describe.each([
    ['on the desktop', {}],
    ['in the own browser', { features: { desktop: false } }],
  ])('%s', (_where, options) => {
    it.each(types)('stores no more than about a hundred entries, however many events it gets: %s', async (type) => {
      const world = createWorld({ ...options, question: pin });
      const { sessionId } = await startLogin(world, method);
      await flood(world, sessionId, (time) => kinds[type](sessionId, time));
      await expectCheap(world, sessionId);
      await world.app.close();
    });

    it('counts its events of all kinds together, and ends with AGENT_REFUSED', async () => {
      const world = createWorld({ ...options, question: pin });
      const { sessionId } = await startLogin(world, method);
      const others = types.filter((type) => !endings.includes(type));
      await flood(world, sessionId, (time) => others.map((type) => kinds[type](sessionId, time)));
      expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'AGENT_REFUSED' });
      await expectCheap(world, sessionId);
      expect(await world.leftovers()).toEqual([]);
      await world.app.close();
    });
  });

  it('ends with AGENT_REFUSED where a plugin answers all of its questions', async () => {
    const world = createWorld({
      question: { ...pin, secret: false },
      plugins: [{ name: 'helpful', apply: ({ hooks }) => hooks['login.question'].tap('helpful', () => 'A') }],
    });
    const { sessionId } = await startLogin(world, method);
    await flood(world, sessionId, (time) => kinds['login.prompt'](sessionId, time));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'AGENT_REFUSED' });
    await expectCheap(world, sessionId);
    await world.app.close();
  });

  it('takes no notice of a sign-in URL and a callback that it has had', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world, method);
    await flood(world, sessionId, () => ({ type: 'login.url', sessionId, url: signInUrl }));
    await flood(world, sessionId, (time) => [
      kinds['login.callback'](sessionId, time),
      { type: 'login.url', sessionId, url: signInUrl },
    ]);
    const agent = await agentOf(world, sessionId);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    expect(agent.calls.filter((call) => call.startsWith('openPage'))).toEqual([`openPage ${signInUrl}`]);
    expect(phasesOf(await journalOf(world, sessionId))).toEqual([
      'installing-cli',
      'starting-machine',
      'starting-login',
      'opening-page',
      'awaiting-user',
      'callback-received',
      'storing',
      'cleaning-up',
      'completed',
    ]);
    await world.app.close();
  });

  it('passes on each problem with a credential file once, and ten at most', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world, method);
    const rejected = { type: 'credential.rejected', sessionId, provider: 'fake', problem: 'half written' } as const;
    await flood(world, sessionId, () => rejected);
    await flood(world, sessionId, (time) => kinds['credential.rejected'](sessionId, time));
    const agent = await agentOf(world, sessionId);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    const notices = (await journalOf(world, sessionId)).filter(({ type }) => type === 'notice');
    // The flood itself says twice that the CLI stands still.
    expect(notices).toHaveLength(12);
    await world.app.close();
  });
});
