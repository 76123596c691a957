import type { DomainEvent } from '@sallyport/core';
import { describe, expect, it } from 'vitest';

import { agentOf, connect, createWorld, credential, ended, runPrompt, userId } from './world.ts';
import type { World, WorldOptions } from './world.ts';

/** A login whose credential waits to be claimed. */
async function held(options?: WorldOptions) {
  const world = createWorld(options);
  const { sessionId } = await world.app.logins.start({ userId, externalId: 'ada', provider: 'fake', hold: true });
  const agent = await agentOf(world, sessionId);
  agent.offer('fake', credential(1));
  agent.emit({ type: 'login.finished', sessionId });
  const session = await ended(world, sessionId);
  expect(session).toMatchObject({ status: 'completed' });
  return { world, session };
}

const told = ({ events }: World, ...types: readonly DomainEvent['type'][]) =>
  events.filter(({ type }) => types.includes(type)).map(({ type }) => type);
const outcomes = ['login.held', 'login.completed', 'credential.stored'] as const;

describe('a login that is held', () => {
  it('is not the user’s, and no machine and no list has it', async () => {
    const { world } = await held();
    expect(await world.app.credentials.list(userId)).toEqual([]);
    await expect(runPrompt(world)).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
    expect(told(world, ...outcomes)).toEqual(['login.held']);
    await world.app.close();
  });

  it('is the user’s once it is claimed, and is held no more', async () => {
    const { world, session } = await held();
    const version = await world.app.heldLogins.claim(session, { externalId: 'ada', replace: false });
    expect(await world.app.credentials.list(userId)).toMatchObject([{ provider: 'fake', version, valid: true }]);
    expect(told(world, ...outcomes)).toEqual(['login.held', 'credential.stored', 'login.completed']);
    expect(await world.store.credentials.list(session.sessionId)).toEqual([]);
    const again = world.app.heldLogins.claim(session, { externalId: 'ada', replace: false });
    await expect(again).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
    expect((await runPrompt(world)).at(-1)).toMatchObject({ type: 'prompt-end' });
    await world.app.close();
  });

  it('leaves what the user has alone until then', async () => {
    const world = createWorld();
    await connect(world, 5);
    const { sessionId } = await world.app.logins.start({ userId, externalId: null, provider: 'fake', hold: true });
    const agent = await agentOf(world, sessionId);
    agent.offer('fake', credential(7));
    agent.emit({ type: 'login.finished', sessionId });
    const session = await ended(world, sessionId);
    const [before] = await world.app.credentials.list(userId);
    await world.app.heldLogins.claim(session, { externalId: null, replace: false });
    const [after] = await world.app.credentials.list(userId);
    expect([before?.version, after?.version]).toEqual([1, 2]);
    await world.app.close();
  });

  it('can be deleted instead', async () => {
    const { world, session } = await held();
    await world.app.heldLogins.discard(session, 'other-user');
    await world.app.heldLogins.discard(session, 'other-user');
    expect(world.events.filter(({ type }) => type === 'login.discarded')).toMatchObject([
      { userId, sessionId: session.sessionId, provider: 'fake', reason: 'other-user' },
    ]);
    expect(await world.store.audit.list({ limit: 10, type: 'login.discarded' })).toHaveLength(1);
    const late = world.app.heldLogins.claim(session, { externalId: null, replace: false });
    await expect(late).rejects.toMatchObject({ code: 'CREDENTIAL_NOT_CONNECTED' });
    expect(await world.app.credentials.list(userId)).toEqual([]);
    await world.app.close();
  });

  it('is offered to plugins when it is claimed, who may refuse it', async () => {
    const asked: string[] = [];
    const { world, session } = await held({
      plugins: [
        {
          name: 'policy',
          apply: ({ hooks }) =>
            hooks['credential.captured'].tap('policy', () => {
              asked.push('captured');
              throw new Error('No.');
            }),
        },
      ],
    });
    expect(asked).toEqual([]);
    const claim = world.app.heldLogins.claim(session, { externalId: null, replace: false });
    await expect(claim).rejects.toMatchObject({ code: 'PLUGIN_FAILED' });
    expect(asked).toEqual(['captured']);
    expect(await world.app.credentials.list(userId)).toEqual([]);
    await world.app.close();
  });

  it('goes with its link, once that has expired', async () => {
    const { world, session } = await held();
    const { connectLinks } = world.store;
    const linkId = '00000000-0000-4000-8000-0000000000aa';
    await connectLinks.create({
      linkId,
      userId,
      externalId: null,
      provider: null,
      replace: false,
      returnUrl: 'https://app.example.com/connected',
      state: null,
      tokenSha256: 'a'.repeat(64),
      lifetimeMs: 90_000,
    });
    await connectLinks.setSession(linkId, null, session.sessionId);
    await world.app.start();
    await world.clock.advance(60_000);
    expect(await world.store.credentials.list(session.sessionId)).toHaveLength(1);
    await world.clock.advance(60_000);
    expect(await world.store.credentials.list(session.sessionId)).toEqual([]);
    expect(await connectLinks.list({ userId })).toEqual([]);
    expect(world.events.findLast(({ type }) => type === 'login.discarded')).toMatchObject({ reason: 'unclaimed' });
    await world.app.close();
  });

  it('goes with its user', async () => {
    const { world, session } = await held();
    const link = { linkId: '00000000-0000-4000-8000-0000000000ab', userId, externalId: null, provider: null };
    const rest = { replace: false, returnUrl: 'https://a.example/', state: null, tokenSha256: 'b'.repeat(64) };
    await world.store.connectLinks.create({ ...link, ...rest, lifetimeMs: 90_000 });
    await world.store.connectLinks.setSession(link.linkId, null, session.sessionId);
    await world.app.users.erase(userId);
    expect(await world.store.credentials.list(session.sessionId)).toEqual([]);
    expect(await world.store.connectLinks.list({ userId })).toEqual([]);
    await world.app.close();
  });
});
