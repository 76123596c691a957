import { SallyportError } from '@sallyport/core';
import type { Plugin, UrlDecision } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import {
  agentOf,
  canary,
  createWorld,
  credential,
  ended,
  journalOf,
  phasesOf,
  settle,
  signInUrl,
  startLogin,
  until,
  userId,
} from './world.ts';
import type { World } from './world.ts';

async function arriveAtUser(world: World, method?: string) {
  const { sessionId } = await startLogin(world, method);
  const agent = await agentOf(world, sessionId);
  agent.emit({ type: 'login.url', sessionId, url: signInUrl });
  await until(
    async () => (await world.app.logins.get(sessionId)).phase === 'awaiting-user',
    'the user is asked to sign in',
  );
  return { sessionId, agent };
}

const statusOf = async (world: World, sessionId: string) => (await world.app.logins.get(sessionId)).status;

describe('a login', () => {
  it('takes no notice of events that are about another session', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world);
    const agent = await agentOf(world, sessionId);
    const another = { sessionId: 'another' } as const;
    agent.emit({ type: 'login.url', ...another, url: signInUrl });
    agent.emit({ type: 'login.failed', ...another, code: 'LOGIN_DENIED', message: 'Denied.', screen: '' });
    agent.emit({ type: 'login.url', sessionId, url: signInUrl });
    await until(async () => (await world.app.logins.get(sessionId)).phase === 'awaiting-user', 'its own link');
    expect(agent.calls.filter((call) => call.startsWith('openPage'))).toHaveLength(1);
    expect(await statusOf(world, sessionId)).not.toBe('failed');
    await world.app.logins.cancel(sessionId);
    await ended(world, sessionId);
    await world.app.close();
  });
});

describe('a login that goes well', () => {
  it('on the desktop: opens the page in the machine, stores, acknowledges, removes the machine, then completes', async () => {
    const order: string[] = [];
    const world = createWorld({
      plugins: [
        {
          name: 'order',
          apply: ({ hooks }) => {
            hooks['credential.captured'].tap('order', () => void order.push('captured'));
            hooks['machine.stopping'].tap('order', () => void order.push('stopping'));
            hooks.event.tap('order', (event) => {
              if (event.type === 'credential.stored' || event.type === 'login.completed') order.push(event.type);
              if (event.type === 'machine.state') order.push(`${event.role} ${event.state}`);
            });
          },
        },
      ],
    });
    world.fake.script.acknowledge = async () => {
      expect(await world.store.credentials.current(userId, 'fake')).toBeDefined();
      order.push('acknowledged');
    };
    const { sessionId, agent } = await arriveAtUser(world);
    expect(agent.calls).toContain(`openPage ${signInUrl}`);
    expect((await world.app.logins.get(sessionId)).authUrl).toBeNull();
    agent.emit({ type: 'login.callback', sessionId, ok: true });
    agent.offer('fake', credential(1));
    agent.emit({ type: 'login.finished', sessionId });
    const record = await ended(world, sessionId);
    expect(record).toMatchObject({ status: 'completed', phase: 'completed', method: 'browser', display: 'desktop' });
    expect(order).toEqual([
      'browser running',
      'captured',
      'credential.stored',
      'acknowledged',
      'browser stopping',
      'stopping',
      'browser destroyed',
      'login.completed',
    ]);
    const journal = await journalOf(world, sessionId);
    expect(phasesOf(journal)).toEqual([
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
    expect(journal.at(-1)).toMatchObject({ type: 'done', status: 'completed' });
    expect(await world.leftovers()).toEqual([]);
    expect(world.reported).toEqual([]);
    expect(agent.readers).toBe(0);
  });

  it('tells every change once, and no secret anywhere', async () => {
    const world = createWorld();
    const { sessionId, agent } = await arriveAtUser(world);
    agent.offer('fake', credential(1));
    await ended(world, sessionId);
    const told = world.events.filter(({ type }) => type !== 'login.phase').map(({ type }) => type);
    expect(told).toEqual([
      'login.started',
      'machine.state',
      'credential.stored',
      'machine.state',
      'machine.state',
      'login.completed',
    ]);
    const phases = world.events.flatMap((event) => (event.type === 'login.phase' ? [event.phase] : []));
    expect(new Set(phases).size).toBe(phases.length);
    await settle();
    const shown = JSON.stringify([
      world.events,
      await journalOf(world, sessionId),
      await world.store.audit.list({ limit: 100 }),
      await world.store.credentials.current(userId, 'fake'),
      await world.app.credentials.list(userId),
    ]);
    expect(shown).not.toContain(canary);
    expect((await world.store.audit.list({ limit: 100 })).length).toBe(world.events.length);
  });

  it('in the own browser: shows the link, relays the callback, and gives the port back', async () => {
    const world = createWorld({ features: { desktop: false } });
    const { sessionId, agent } = await arriveAtUser(world);
    expect(await world.app.logins.get(sessionId)).toMatchObject({
      display: 'local',
      authUrl: signInUrl,
      status: 'awaiting_user_auth',
    });
    expect(world.ports.held).toBe(1);
    expect(await world.ports.requests[0]?.onCallback(new URLSearchParams('code=c&state=s'))).toBe(true);
    expect(agent.calls).toContain('callback code=c&state=s');
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed', authUrl: null });
    expect(await world.ports.requests[0]?.onCallback(new URLSearchParams('code=c'))).toBe(false);
    expect(await world.leftovers()).toEqual([]);
  });

  it('shows the last lines of a CLI that stands still, without what may be a secret, until it goes on', async () => {
    const world = createWorld({ features: { desktop: false } });
    const { sessionId } = await startLogin(world);
    const agent = await agentOf(world, sessionId);
    const screen = () => world.app.logins.live(sessionId)?.screen;
    expect(screen()).toBeNull();
    const secret = 'sk-ant-oat01-abcdefghijklmnop';
    agent.emit({ type: 'login.still', sessionId, screen: `│ Share ${secret}? │\n\u001b[31m> Yes\u202e` });
    await until(async () => typeof screen() === 'string');
    expect(screen()).toBe('Share […]?\n[31m> Yes');
    agent.emit({ type: 'login.url', sessionId, url: signInUrl });
    await until(async () => screen() === null);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
  });

  it('in the own browser: receives the callback at the port that the CLI has chosen itself', async () => {
    const world = createWorld({ features: { desktop: false }, freePort: true });
    const { sessionId, agent } = await arriveAtUser(world);
    expect(world.ports.requests).toMatchObject([{ ports: [18_123], path: '/callback', mode: 'forward' }]);
    expect(world.ports.held).toBe(1);
    agent.emit({ type: 'login.url', sessionId, url: signInUrl.replace('18123', '18124') });
    await until(() => world.ports.requests.length === 2, 'the second link has its port');
    expect(world.ports.requests[1]).toMatchObject({ ports: [18_124] });
    expect(world.ports.held).toBe(1);
    expect(await world.ports.requests[1]?.onCallback(new URLSearchParams('code=c&state=s'))).toBe(true);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    expect(world.ports.held).toBe(0);
    expect(await world.leftovers()).toEqual([]);
  });

  it('on a desktop, or where the CLI listens on this host itself, receives no callback for a port of its choice', async () => {
    for (const features of [{}, { desktop: false, loopback: 'shared' as const }]) {
      const world = createWorld({ features, freePort: true });
      const { sessionId } = await arriveAtUser(world);
      expect(world.ports.requests).toEqual([]);
      await world.app.logins.cancel(sessionId);
    }
  });

  it('with a code: asks the user, takes the answer once, and refuses any other', async () => {
    const world = createWorld({
      plugins: [{ name: 'nosy', apply: ({ hooks }) => hooks['login.question'].tap('nosy', () => 'guess') }],
    });
    const { sessionId } = await startLogin(world, 'paste');
    const agent = await agentOf(world, sessionId);
    expect(world.ports.requests).toEqual([]);
    await expect(world.app.logins.answer(sessionId, 'code', 'early')).rejects.toMatchObject({
      code: 'LOGIN_ANSWER_UNEXPECTED',
      status: 409,
    });
    agent.emit({
      type: 'login.prompt',
      sessionId,
      promptId: 'code',
      label: 'Your bank password',
      kind: 'code',
      secret: false,
    });
    agent.emit({ type: 'login.prompt', sessionId, promptId: 'still_there', label: 'x', kind: 'choice', secret: false });
    await until(() => world.app.logins.live(sessionId)?.openQuestions.size === 2, 'both questions are open');
    await expect(world.app.logins.answer(sessionId, 'other', 'x')).rejects.toMatchObject({
      code: 'LOGIN_ANSWER_UNEXPECTED',
    });
    await world.app.logins.answer(sessionId, 'still_there', 'yes');
    await expect(world.app.logins.answer(sessionId, 'code', 'AB 1')).rejects.toMatchObject({
      code: 'LOGIN_ANSWER_MALFORMED',
      hint: 'Paste the code, which is one word.',
    });
    const twice = await Promise.allSettled([
      world.app.logins.answer(sessionId, 'code', 'AB-1'),
      world.app.logins.answer(sessionId, 'code', 'AB-1'),
    ]);
    expect(twice.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(agent.calls.filter((call) => call.startsWith('answer'))).toEqual([
      'answer still_there yes',
      'answer code AB-1',
    ]);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    const asked = (await journalOf(world, sessionId)).find(({ type }) => type === 'prompt');
    expect(asked).toMatchObject({ message: 'Code', data: { promptId: 'code', secret: true } });
    await expect(world.app.logins.answer(sessionId, 'code', 'late')).rejects.toMatchObject({
      code: 'LOGIN_SESSION_OVER',
    });
  });

  it('keeps a question open whose answer did not reach the CLI', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world, 'paste');
    const agent = await agentOf(world, sessionId);
    agent.emit({ type: 'login.prompt', sessionId, promptId: 'code', label: 'Code', kind: 'code', secret: true });
    await until(() => world.app.logins.live(sessionId)?.openQuestions.has('code') === true);
    world.fake.script.answer = () => Promise.reject(new SallyportError('AGENT_UNREACHABLE', 'No.'));
    await expect(world.app.logins.answer(sessionId, 'code', 'A')).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    delete world.fake.script.answer;
    await world.app.logins.answer(sessionId, 'code', 'A');
    await world.app.logins.cancel(sessionId);
  });

  it('waits for the callback port that another login has, and says so', async () => {
    const world = createWorld({ features: { desktop: false } });
    const manualEntry = Promise.withResolvers<void>();
    world.ports.busyUntil = manualEntry.promise;
    const { sessionId } = await startLogin(world);
    await until(async () => (await world.app.logins.get(sessionId)).phase === 'waiting-for-port');
    expect(world.fake.machines).toEqual([]);
    manualEntry.resolve();
    const agent = await agentOf(world, sessionId);
    agent.offer('fake', credential(1));
    await ended(world, sessionId);
    expect(phasesOf(await journalOf(world, sessionId)).slice(0, 3)).toEqual([
      'installing-cli',
      'waiting-for-port',
      'starting-machine',
    ]);
  });

  it('completes although the acknowledgement and the removal of the machine fail, and tries nothing else', async () => {
    const world = createWorld();
    const { sessionId, agent } = await arriveAtUser(world);
    world.fake.script.acknowledge = () => Promise.reject(new SallyportError('AGENT_UNREACHABLE', 'Gone.'));
    world.fake.failAt('destroy', new SallyportError('MACHINE_FAILED', 'It resists.'));
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    expect(world.reported).toEqual(['acknowledging a login: Gone.', 'removing a login machine: It resists.']);
    expect(world.fake.machines.length).toBe(1);
    expect((await world.store.machines.list())[0]?.state).toBe('stopping');
    expect(world.routes.open).toBe(0);
  });
});

describe('the policy about links and questions', () => {
  const deciding = (decision: UrlDecision): Plugin => ({
    name: 'policy',
    apply: ({ hooks }) => hooks['login.url'].tap('policy', () => decision),
  });

  it('names each host that the login machine is refused, once, so that no page stays blank without a reason', async () => {
    const world = createWorld();
    const { sessionId } = await arriveAtUser(world);
    const { id } = world.fake.newest('browser').machine;
    for (let time = 0; time < 3; time++) world.refuse(id, 'sso.example.com');
    const notices = async () =>
      (await world.store.sessions.events(sessionId, 0)).flatMap(({ event }) =>
        event.type === 'notice' ? [event.message] : [],
      );
    const message = expect.stringMatching(/not let through to sso\.example\.com, .* hosts\.signIn allows it/);
    await expect.poll(notices).toEqual([message]);
    await world.app.logins.cancel(sessionId);
    world.refuse(id, 'late.example.com');
    expect(await notices()).toHaveLength(1);
  });

  it.each(['not-public', 'not-found', 'upstream', 'unreachable'] as const)(
    'says that the server did not reach the provider where that is why a login failed: %s',
    async (reason) => {
      const world = createWorld();
      const { sessionId, agent } = await arriveAtUser(world);
      const { id } = world.fake.newest('browser').machine;
      const problem = 'The upstream proxy p:1 does not accept the user and password. Correct `egress`.';
      world.refuse(id, 'api.fake.test', reason, problem);
      const message = 'The CLI could not complete the sign-in.';
      agent.emit({ type: 'login.failed', sessionId, code: 'LOGIN_FAILED', message, screen: '' });
      const { errorCode, errorMessage } = await ended(world, sessionId);
      expect(errorCode).toBe('LOGIN_FAILED');
      expect(errorMessage).toMatch(/^The machine could not connect to api\.fake\.test: [^.]+\. The CLI could not/);
      // Addresses and proxies of the host are for the operator.
      expect(JSON.stringify(await journalOf(world, sessionId))).not.toContain('p:1');
      expect(world.reported).toEqual([`the egress of machine ${id}: ${problem}`]);
      const refused = world.events.filter(({ type }) => type === 'egress.refused');
      expect(refused).toEqual([expect.objectContaining({ host: 'api.fake.test', reason, problem })]);
      await world.app.close();
    },
  );

  it.each([
    ['a host that the provider does not need', 'ads.example.com', 'not-public', 'LOGIN_FAILED'],
    ['a host that is not allowed', 'api.fake.test', 'not-allowed', 'LOGIN_FAILED'],
    ['a sign-in that the user denied', 'api.fake.test', 'upstream', 'LOGIN_DENIED'],
  ] as const)('does not blame the connection for %s', async (_what, host, reason, code) => {
    const world = createWorld();
    const { sessionId, agent } = await arriveAtUser(world);
    world.refuse(world.fake.newest('browser').machine.id, host, reason);
    agent.emit({ type: 'login.failed', sessionId, code, message: 'It is over.', screen: '' });
    expect(await ended(world, sessionId)).toMatchObject({ errorCode: code, errorMessage: 'It is over.' });
    await world.app.close();
  });

  it('refuses a link of the machine that is not a sign-in page, whatever the policy says', async () => {
    const world = createWorld({ plugins: [deciding('show')] });
    const { sessionId } = await startLogin(world);
    const agent = await agentOf(world, sessionId);
    agent.emit({ type: 'login.url', sessionId, url: 'https://evil.test/authorize' });
    expect(await ended(world, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'LOGIN_URL_REFUSED',
      authUrl: null,
    });
    expect(agent.calls.some((call) => call.startsWith('openPage'))).toBe(false);
    expect(await world.leftovers()).toEqual([]);
  });

  it('may refuse a link', async () => {
    const world = createWorld({ plugins: [deciding('refuse')] });
    const { sessionId } = await startLogin(world);
    (await agentOf(world, sessionId)).emit({ type: 'login.url', sessionId, url: signInUrl });
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_URL_REFUSED' });
  });

  it('may show a link that would be opened in the machine', async () => {
    const world = createWorld({ plugins: [deciding('show')] });
    const { sessionId, agent } = await arriveAtUser(world);
    expect((await world.app.logins.get(sessionId)).authUrl).toBe(signInUrl);
    expect(agent.calls.some((call) => call.startsWith('openPage'))).toBe(false);
    await world.app.logins.cancel(sessionId);
  });

  it('cannot have a link opened where no browser is', async () => {
    const world = createWorld({ features: { desktop: false }, plugins: [deciding('browser')] });
    const { sessionId } = await startLogin(world);
    (await agentOf(world, sessionId)).emit({ type: 'login.url', sessionId, url: signInUrl });
    expect(await ended(world, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'LOGIN_URL_REFUSED',
      authUrl: null,
    });
  });

  it('fails a login whose machine asks what the manifest does not declare', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world);
    (await agentOf(world, sessionId)).emit({
      type: 'login.prompt',
      sessionId,
      promptId: 'password',
      label: 'Password',
      kind: 'text',
      secret: true,
    });
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_PROMPT_REFUSED' });
    expect(JSON.stringify(await journalOf(world, sessionId))).not.toContain('"Password"');
  });
});

describe('a login that fails', () => {
  it('when the CLI is finished and no credential comes', async () => {
    const world = createWorld();
    const { sessionId, agent } = await arriveAtUser(world);
    agent.emit({ type: 'login.finished', sessionId });
    await settle();
    expect(await statusOf(world, sessionId)).toBe('awaiting_user_auth');
    await world.clock.advance(10_000);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'CREDENTIAL_INCOMPLETE' });
    expect(await world.leftovers()).toEqual([]);
  });

  it('when the agent forgets its own deadline', async () => {
    const world = createWorld();
    const { sessionId } = await arriveAtUser(world);
    await world.clock.advance(60_000);
    expect(await statusOf(world, sessionId)).toBe('awaiting_user_auth');
    await world.clock.advance(30_000);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_TIMED_OUT' });
    expect(await world.leftovers()).toEqual([]);
  });

  it.each([
    ['blank', { auth: JSON.stringify({ token: '', account: 'ada', issuedAt: 1 }) }],
    ['incomplete', { auth: '{"token":"x"' }],
    ['absent', {}],
  ])('when the credential is %s: nothing is stored or acknowledged', async (_name, files) => {
    const world = createWorld();
    const { sessionId, agent } = await arriveAtUser(world);
    agent.offer('fake', files);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'CREDENTIAL_INCOMPLETE' });
    expect(await world.store.credentials.current(userId, 'fake')).toBeUndefined();
    expect(agent.acknowledged).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });

  it('when a plugin refuses the credential: nothing is stored', async () => {
    const refusal = new SallyportError('CREDENTIAL_REFUSED', 'Only company accounts may be connected.');
    const world = createWorld({
      plugins: [
        {
          name: 'policy',
          apply: ({ hooks }) => hooks['credential.captured'].tapPromise('policy', () => Promise.reject(refusal)),
        },
      ],
    });
    const { sessionId, agent } = await arriveAtUser(world);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'CREDENTIAL_REFUSED',
      errorMessage: refusal.message,
    });
    expect(await world.store.credentials.current(userId, 'fake')).toBeUndefined();
    expect(agent.acknowledged).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });

  it('when a plugin fails as the machine starts: the machine is removed', async () => {
    const world = createWorld({
      plugins: [
        {
          name: 'guard',
          apply: ({ hooks }) =>
            hooks['machine.started'].tap('guard', () => {
              throw new Error('no');
            }),
        },
      ],
    });
    const { sessionId } = await startLogin(world);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'PLUGIN_FAILED' });
    expect(world.fake.machines.length).toBe(1);
    expect(await world.leftovers()).toEqual([]);
  });

  it('with the code and the words of the CLI, but never a code of the server', async () => {
    const outcome = async (code: string) => {
      const world = createWorld();
      const { sessionId, agent } = await arriveAtUser(world);
      agent.emit({ type: 'login.failed', sessionId, code, message: 'You said no.', screen: 'Sign-in failed' });
      return ended(world, sessionId);
    };
    expect(await outcome('LOGIN_DENIED')).toMatchObject({ errorCode: 'LOGIN_DENIED', errorMessage: 'You said no.' });
    expect(await outcome('STORE_UNAVAILABLE')).toMatchObject({ errorCode: 'LOGIN_FAILED' });
    expect(await outcome('toString')).toMatchObject({ errorCode: 'LOGIN_FAILED' });
  });

  it('because another one of the same user and provider is under way', async () => {
    const world = createWorld();
    const started = await Promise.allSettled([startLogin(world), startLogin(world)]);
    const first = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value.sessionId] : []));
    expect(first.length).toBe(1);
    expect(started.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'LOGIN_IN_PROGRESS', status: 409, details: { sessionId: first[0] } },
    });
    await world.app.logins.cancel(first[0] ?? '');
    const again = await startLogin(world);
    await world.app.logins.cancel(again.sessionId);
  });
});

describe('the method selection', () => {
  const failed = new SallyportError('MACHINE_FAILED', 'No machine today.');
  const faults: readonly [string, (world: World) => void][] = [
    ['the machine cannot be made', (world) => world.fake.failAt('create', failed)],
    ['the machine cannot be started', (world) => world.fake.failAt('start', failed)],
  ];

  it.each(faults)('tries the next way when %s, and leaves nothing of the first', async (_name, fault) => {
    const world = createWorld();
    fault(world);
    const { sessionId } = await startLogin(world);
    const agent = await agentOf(world, sessionId);
    expect(await world.app.logins.get(sessionId)).toMatchObject({ method: 'browser', display: 'local' });
    expect(world.routes.open).toBe(1);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed', display: 'local' });
    expect((await journalOf(world, sessionId)).some(({ message }) => message.includes('Trying another way'))).toBe(
      true,
    );
    expect(await world.leftovers()).toEqual([]);
  });

  it.each(faults)('tries nothing else when %s and the request named a method', async (_name, fault) => {
    const world = createWorld();
    fault(world);
    const { sessionId } = await startLogin(world, 'browser');
    expect(await ended(world, sessionId)).toMatchObject({
      status: 'failed',
      errorCode: 'MACHINE_FAILED',
      display: 'desktop',
    });
    expect(await world.leftovers()).toEqual([]);
  });

  it('tries the next way when the agent never answers, and fails with the last reason', async () => {
    const world = createWorld();
    world.fake.script.health = () => Promise.reject(new SallyportError('AGENT_UNREACHABLE', 'Not yet.'));
    const { sessionId } = await startLogin(world);
    for (const ways of [1, 2, 3]) {
      await until(() => world.fake.machines.filter(({ boots }) => boots.length === 1).length === ways, `way ${ways}`);
      await world.clock.advance(60_000);
    }
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'MACHINE_TIMED_OUT' });
    expect(world.fake.machines.length).toBe(3);
    expect(await world.leftovers()).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  it('tries the next way when the machine dies in the middle of the login', async () => {
    const world = createWorld();
    const { sessionId } = await arriveAtUser(world);
    world.fake.newest('browser').crash();
    await until(async () => (await world.app.logins.get(sessionId)).display === 'local');
    expect((await world.app.logins.get(sessionId)).authUrl).toBeNull();
    await world.app.logins.cancel(sessionId);
    expect(await world.leftovers()).toEqual([]);
  });

  it('tries the next way when the desktop does not start', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world);
    (await agentOf(world, sessionId)).emit({ type: 'desktop.failed', message: 'no Xvnc' });
    await until(async () => (await world.app.logins.get(sessionId)).display === 'local');
    await world.app.logins.cancel(sessionId);
  });

  it('tries the next way when the CLI fails before it has asked the user for anything, and says why', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world);
    const message = 'Device codes are switched off for this account.';
    const fail = { type: 'login.failed', sessionId, code: 'LOGIN_DENIED', message, screen: '' } as const;
    (await agentOf(world, sessionId)).emit(fail);
    await until(async () => (await world.app.logins.get(sessionId)).display === 'local');
    const notices = async () => (await world.store.sessions.events(sessionId, 0)).map(({ event }) => event.message);
    expect(await notices()).toContain(`${message} Trying another way: Sign in in the browser.`);
    const agent = await agentOf(world, sessionId);
    agent.emit({ type: 'login.url', sessionId, url: signInUrl });
    await until(async () => (await world.app.logins.get(sessionId)).phase === 'awaiting-user');
    agent.emit(fail);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_DENIED' });
    expect(await world.leftovers()).toEqual([]);
  });

  it('does not go on past a closed egress', async () => {
    const world = createWorld();
    world.failEgress(new SallyportError('EGRESS_FAILED', 'No egress.'));
    const { sessionId } = await startLogin(world);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'EGRESS_FAILED' });
    expect(world.fake.machines).toEqual([]);
    expect(await world.leftovers()).toEqual([]);
  });

  it('keeps what the abandoned way still does out of the next one', async () => {
    const opening = Promise.withResolvers<void>();
    const stopping = async (): Promise<void> => {
      opening.resolve();
      await settle();
    };
    const world = createWorld({
      plugins: [{ name: 'late', apply: ({ hooks }) => hooks['machine.stopping'].tapPromise('late', stopping) }],
    });
    world.fake.script.openPage = () => opening.promise;
    world.fake.script.startLogin = async (request, agent) => {
      agent.emit({ type: 'login.url', sessionId: request.sessionId, url: signInUrl });
      await until(() => agent.calls.some((call) => call.startsWith('openPage')));
      delete world.fake.script.startLogin;
      throw new SallyportError('AGENT_UNREACHABLE', 'Lost.');
    };
    const { sessionId } = await startLogin(world);
    await until(async () => (await world.app.logins.get(sessionId)).display === 'local');
    await agentOf(world, sessionId);
    await settle();
    await world.app.logins.cancel(sessionId);
    expect(phasesOf(await journalOf(world, sessionId))).not.toContain('awaiting-user');
  });
});

describe('cancelling a login', () => {
  const reached = (phase: string) => async (world: World, sessionId: string) =>
    until(async () => (await world.app.logins.get(sessionId)).phase === phase, phase);
  const points: readonly [string, (world: World) => void, (world: World, sessionId: string) => Promise<void>][] = [
    ['at once', () => undefined, async () => undefined],
    [
      'while it waits for a port',
      (world) => {
        world.ports.busyUntil = new Promise(() => undefined);
      },
      reached('waiting-for-port'),
    ],
    [
      'while the machine boots',
      (world) => {
        world.fake.script.health = (signal) =>
          new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      },
      async (world) => until(() => world.fake.machines.length === 1),
    ],
    ['while the CLI starts', () => undefined, reached('starting-login')],
    [
      'while the user signs in',
      (world) => {
        world.fake.script.startLogin = async (_request, agent) =>
          agent.emit({ type: 'login.url', sessionId: agent.sessionId ?? '', url: signInUrl });
      },
      reached('awaiting-user'),
    ],
  ];

  it.each(points)('%s leaves nothing running', async (_name, prepare, wait) => {
    const world = createWorld({ features: { desktop: false } });
    prepare(world);
    const { sessionId } = await startLogin(world);
    await wait(world, sessionId);
    await world.app.logins.cancel(sessionId);
    expect(await world.app.logins.get(sessionId)).toMatchObject({ status: 'cancelled', errorCode: 'LOGIN_CANCELLED' });
    await expect(world.app.logins.cancel(sessionId)).rejects.toMatchObject({ code: 'LOGIN_SESSION_OVER' });
    await settle();
    expect(await world.leftovers()).toEqual([]);
    expect(world.clock.pending).toBe(0);
    expect(world.events.filter(({ type }) => type === 'login.cancelled').length).toBe(1);
    expect(world.events.some(({ type }) => type === 'login.failed')).toBe(false);
    expect((await journalOf(world, sessionId)).at(-1)).toMatchObject({ type: 'done', status: 'cancelled' });
  });

  it('says that it came too late when the credential is stored already', async () => {
    const world = createWorld();
    const { sessionId, agent } = await arriveAtUser(world);
    const release = world.fake.holdAt('destroy');
    agent.offer('fake', credential(1));
    await until(async () => (await world.app.logins.get(sessionId)).phase === 'cleaning-up');
    const cancelled = world.app.logins.cancel(sessionId);
    release();
    await expect(cancelled).rejects.toMatchObject({ code: 'LOGIN_SESSION_OVER' });
    expect(await statusOf(world, sessionId)).toBe('completed');
    expect(await world.leftovers()).toEqual([]);
  });

  it('stores nothing when it comes while a plugin looks at the credential', async () => {
    const looking = Promise.withResolvers<void>();
    const world = createWorld({
      plugins: [
        { name: 'slow', apply: ({ hooks }) => hooks['credential.captured'].tapPromise('slow', () => looking.promise) },
      ],
    });
    const { sessionId, agent } = await arriveAtUser(world);
    agent.offer('fake', credential(1));
    await until(async () => (await world.app.logins.get(sessionId)).phase === 'storing');
    await world.app.logins.cancel(sessionId);
    looking.resolve();
    await settle();
    expect(await world.store.credentials.current(userId, 'fake')).toBeUndefined();
    expect(await statusOf(world, sessionId)).toBe('cancelled');
  });
});

describe('closing the application during a login', () => {
  it('ends the login with LOGIN_INTERRUPTED, leaves nothing, and starts none any more', async () => {
    const world = createWorld();
    await world.app.start();
    const { sessionId } = await arriveAtUser(world);
    await world.app.close();
    expect(await world.app.logins.get(sessionId)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_INTERRUPTED' });
    expect(await world.leftovers()).toEqual([]);
    expect(world.clock.pending).toBe(0);
    await expect(startLogin(world)).rejects.toMatchObject({ code: 'LOGIN_INTERRUPTED' });
  });

  it('does not hang while the store is away, and the next start ends the session', async () => {
    const world = createWorld();
    const { sessionId } = await arriveAtUser(world);
    const update = world.store.sessions.update.bind(world.store.sessions);
    world.store.sessions.update = () => Promise.reject(new SallyportError('STORE_UNAVAILABLE', 'Away.'));
    const closed = world.app.close();
    await settle();
    await world.clock.advance(10_000);
    await closed;
    expect(await statusOf(world, sessionId)).toBe('awaiting_user_auth');
    expect(world.fake.machines.filter(({ running }) => running)).toEqual([]);
    world.store.sessions.update = update;
    const next = createWorld({ store: world.store, fake: world.fake });
    await next.app.start();
    const record = await next.app.logins.get(sessionId);
    expect(record).toMatchObject({ status: 'failed', errorCode: 'LOGIN_INTERRUPTED' });
    expect(record.errorMessage).toContain('awaiting-user');
    await next.app.close();
  });
});
