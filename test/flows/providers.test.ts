import { describe, expect, it } from 'vitest';

import { agentOf, connect, createWorld, credential, ended, startLogin, until, userId } from './world.ts';
import type { World } from './world.ts';

const disabled = expect.objectContaining({ code: 'PROVIDER_DISABLED' });
const prompt = (world: World) => world.app.prompts.start({ userId, provider: 'fake', prompt: 'Hello.' });
const switchOff = async (world: World): Promise<void> => {
  await world.store.providerSwitches.set('fake', true);
  await world.clock.advance(1_000);
};

describe('a provider that is switched off while the server runs', () => {
  it('gets no new logins, prompts or imports within a second, and all of them when it is switched on again', async () => {
    const world = createWorld();
    await world.app.start();
    await connect(world);
    await switchOff(world);
    await expect(startLogin(world)).rejects.toThrow(disabled);
    await expect(prompt(world)).rejects.toThrow(disabled);
    await expect(connect(world, 2)).rejects.toThrow(disabled);
    // What is stored stays, and can be erased.
    expect(await world.app.credentials.list(userId)).toHaveLength(1);
    await world.store.providerSwitches.set('fake', false);
    await world.clock.advance(1_000);
    await world.app.logins.cancel((await startLogin(world)).sessionId);
    expect(world.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['provider.disabled', 'provider.enabled', 'login.started']),
    );
    await world.app.close();
  });

  it('ends its logins at once, and leaves those of others alone', async () => {
    const world = createWorld();
    await world.app.start();
    const mine = await startLogin(world);
    const others = await world.app.logins.start({ userId, externalId: null, provider: 'other' });
    await agentOf(world, mine.sessionId);
    await agentOf(world, others.sessionId);
    await switchOff(world);
    expect(await ended(world, mine.sessionId)).toMatchObject({ status: 'failed', errorCode: 'PROVIDER_DISABLED' });
    expect(world.app.logins.live(others.sessionId)).toBeDefined();
    await world.app.logins.cancel(others.sessionId);
    expect(await world.leftovers()).toEqual([]);
    await world.app.close();
  });

  it('lets a prompt finish, and ends one that takes too long', async () => {
    const world = createWorld({ settings: { drainMs: 5_000 } });
    await world.app.start();
    await connect(world);
    let running = false;
    world.fake.script.execute = async function* (_request, _agent, signal) {
      running = true;
      yield { type: 'stdout', line: 'Thinking.' };
      await world.clock.sleep(60_000, signal);
    };
    const { promptId } = await prompt(world);
    await until(() => running, 'the CLI runs');
    await switchOff(world);
    await world.clock.advance(4_000);
    expect((await world.app.prompts.get(promptId)).status).toBe('running');
    await world.clock.advance(1_000);
    await until(async () => (await world.app.prompts.get(promptId)).status !== 'running', 'the prompt ends');
    const end = (await world.store.prompts.events(promptId, 0, 100)).at(-1)?.event;
    expect(end).toMatchObject({ type: 'prompt-end', outcome: 'failed', code: 'PROVIDER_DISABLED' });
    await world.app.close();
  });

  it('is still off after a restart', async () => {
    const world = createWorld();
    await world.store.providerSwitches.set('fake', true);
    await world.app.start();
    await expect(startLogin(world)).rejects.toThrow(disabled);
    await world.app.close();
  });
});

describe('a provider whose terms do not list this kind of deployment', () => {
  it('is off, and says what the operator has to do', async () => {
    const world = createWorld({ policy: { deployment: 'hosted', acceptedTerms: ['other'] } });
    const refused = startLogin(world);
    await expect(refused).rejects.toThrow(disabled);
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('fake in acceptedTerms') });
    await expect(
      world.app.credentials.import({ userId, externalId: null, provider: 'other', files: credential(1) }),
    ).resolves.toEqual({ version: 1 });
  });
});
