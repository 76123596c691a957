import type { ExecuteRequest } from '@sallyport/core/protocol';
import { describe, expect, it } from 'vitest';

import {
  agentOf,
  connect,
  createWorld,
  credential,
  ended,
  journalOf,
  noncePath,
  phasesOf,
  startLogin,
  until,
  userId,
} from './world.ts';
import type { World } from './world.ts';

const key = 'fk-canary-4711-key';
const importKey = (world: World, value = key, replace = false) =>
  world.app.credentials.import({ userId, externalId: null, provider: 'fake', files: { api_key: value }, replace });

async function ask(world: World, more: { readonly replace?: boolean } = {}): Promise<string> {
  const request = { userId, externalId: null, provider: 'fake', method: 'api-key', ...more };
  const { sessionId } = await world.app.logins.start(request);
  await until(async () => (await world.app.logins.get(sessionId)).phase === 'awaiting-user', 'the key is asked for');
  await until(() => (world.app.logins.live(sessionId)?.openQuestions.size ?? 0) > 0, 'the question is open');
  return sessionId;
}

describe('an API key', () => {
  it('is asked for in a session like any other, without a machine, and stored', async () => {
    const world = createWorld();
    const sessionId = await ask(world);
    await world.app.logins.answer(sessionId, 'api_key', ` ${key}\n`);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed', method: 'api-key', display: 'none' });
    const journal = await journalOf(world, sessionId);
    expect(phasesOf(journal)).toEqual(['awaiting-user', 'storing', 'completed']);
    expect(journal.find(({ type }) => type === 'prompt')).toMatchObject({
      message: 'API key',
      data: { promptId: 'api_key', secret: true, page: 'https://login.fake.test/keys' },
    });
    expect(world.fake.machines).toEqual([]);
    expect(await world.app.credentials.list(userId)).toMatchObject([{ facts: { kind: 'api-key' }, valid: true }]);
    expect(world.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['login.started', 'credential.stored', 'login.completed']),
    );
    expect(JSON.stringify([journal, world.events])).not.toContain(key);
  });

  it('is not called checked before a prompt has worked with it', async () => {
    const world = createWorld();
    const isChecked = async () =>
      (await world.app.credentials.list(userId)).map(({ lastVerified }) => lastVerified !== null);
    const sessionId = await ask(world);
    await world.app.logins.answer(sessionId, 'api_key', key);
    await ended(world, sessionId);
    expect(await isChecked()).toEqual([false]);
    await importKey(world, `${key}-2`);
    expect(await isChecked()).toEqual([false]);
    const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'Hello.' });
    await until(async () => (await world.app.prompts.get(promptId)).status === 'completed', 'the prompt ends');
    await until(async () => (await isChecked())[0] === true, 'the key is checked');
  });

  it.each(['', 'sk-of-another-vendor', 'fk-short', `${key} and more`, 'fk-line\nbreak-here'])(
    'of the wrong shape (%j) is refused without quoting it, and may be sent again',
    async (wrong) => {
      const world = createWorld();
      const sessionId = await ask(world);
      const refusal = world.app.logins.answer(sessionId, 'api_key', wrong);
      await expect(refusal).rejects.toMatchObject({
        code: 'CREDENTIAL_MALFORMED',
        message: 'That does not look like a value for FAKE_API_KEY.',
        hint: expect.stringContaining('fk-…'),
      });
      await expect(importKey(world, wrong)).rejects.toMatchObject({ code: 'CREDENTIAL_MALFORMED' });
      await world.app.logins.answer(sessionId, 'api_key', key);
      expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    },
  );

  it('is given up when nobody sends it, and when the login is cancelled', async () => {
    const world = createWorld();
    const sessionId = await ask(world);
    await world.clock.advance(15 * 60_000);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'LOGIN_ABANDONED' });
    const second = await ask(world);
    await world.app.logins.cancel(second);
    expect(await ended(world, second)).toMatchObject({ status: 'cancelled' });
    expect(world.clock.pending).toBe(0);
  });

  it("reaches the CLI's own environment with the settings that go with it, and nothing else of the machine", async () => {
    const world = createWorld();
    const requests: ExecuteRequest[] = [];
    world.fake.script.execute = async function* (request) {
      requests.push(request);
      yield { type: 'stdout', line: '{"type":"text","text":"done"}' };
      yield { type: 'exit', code: 0, signal: null, reason: 'ended' };
    };
    // As copied from a chat: with characters that nobody sees.
    await importKey(world, ` \u2060${key.replace('4711', '47\u00ad\u200b11')}\u200b\r\n`);
    const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'Hello.' });
    await until(async () => (await world.app.prompts.get(promptId)).status === 'completed', 'the prompt ends');
    expect(requests).toMatchObject([
      {
        env: { FAKE_API_KEY: key },
        cli: { settings: [{ path: '~/.fake/settings.json', content: '{"pays":"key"}' }] },
      },
    ]);
    const { env, ...rest } = requests[0] ?? {};
    expect(Object.keys(env ?? {})).toEqual(['FAKE_API_KEY']);
    expect(JSON.stringify(rest)).not.toContain(key);
    const { home, plan } = world.fake.newest('cli');
    expect(JSON.stringify([plan, [...home('fake')]])).not.toContain(key);
  });
});

describe('an API key and a plan login of one provider', () => {
  it('refuse to take the place of each other unless that is asked for', async () => {
    const world = createWorld();
    await connect(world, 1);
    const excluded = expect.objectContaining({
      code: 'CREDENTIAL_EXCLUDED',
      message: 'Fake CLI is connected with a plan login, which an API key would replace.',
      hint: expect.stringContaining('replace: true'),
    });
    await expect(startLogin(world, 'api-key')).rejects.toThrow(excluded);
    await expect(importKey(world)).rejects.toThrow(excluded);
    const sessionId = await ask(world, { replace: true });
    await world.app.logins.answer(sessionId, 'api_key', key);
    expect(await ended(world, sessionId)).toMatchObject({ status: 'completed' });
    await expect(startLogin(world)).rejects.toThrow(
      expect.objectContaining({ message: 'Fake CLI is connected with an API key, which a plan login would replace.' }),
    );
    await expect(connect(world, 2)).rejects.toMatchObject({ code: 'CREDENTIAL_EXCLUDED' });
    // Replacing one key with another does not change the kind.
    await expect(importKey(world, `${key}-2`)).resolves.toEqual({ version: 3 });
    // The other provider has nothing to do with it.
    await connect(world, 1, 'other');
  });

  it('are told apart again when the login ends, since the other kind may have come meanwhile', async () => {
    const world = createWorld();
    const { sessionId } = await startLogin(world);
    const agent = await agentOf(world, sessionId);
    await importKey(world);
    agent.offer('fake', credential(1));
    expect(await ended(world, sessionId)).toMatchObject({ status: 'failed', errorCode: 'CREDENTIAL_EXCLUDED' });
    expect(await world.leftovers()).toEqual([]);
  });

  it('do not lie on a machine together: what the plan has left there goes, and does not come back by itself', async () => {
    const world = createWorld();
    await connect(world, 1);
    const run = async (): Promise<void> => {
      const { promptId } = await world.app.prompts.start({ userId, provider: 'fake', prompt: 'Hello.' });
      await until(async () => (await world.app.prompts.get(promptId)).status !== 'running', 'the prompt ends');
      expect((await world.app.prompts.get(promptId)).status).toBe('completed');
    };
    await run();
    const disk = (): readonly string[] => [...world.fake.newest('cli').home('fake').keys()];
    expect(disk()).toEqual(['~/.fake/auth.json', noncePath]);
    await importKey(world, key, true);
    await run();
    expect(disk()).toEqual([]);
    expect(await world.app.credentials.list(userId)).toMatchObject([{ facts: { kind: 'api-key' } }]);
  });
});
