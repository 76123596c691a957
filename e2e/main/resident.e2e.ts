import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { createWaitingCli } from '../support/waiting-cli.ts';

/** The process of the real Codex stays in its machine between prompts, as long as nothing it was started with has changed. */
describe('Codex between prompts', () => {
  let server: DemoServer;
  let api: Api;
  const { ask, cancel, onlyPid, untilReplaced } = createWaitingCli({
    provider: 'codex',
    command: /^\S*\/codex app-server$/,
    person: () => ({ api, server }),
  });

  beforeAll(async () => {
    server = await startDemoServer();
    api = createApi(server.origin);
    const person = { api, server };
    const sessionId = await startLogin(person, 'browser:local');
    await visitSignInPage(person, await untilPhase(person, sessionId, 'awaiting-user'), 'approve');
    expect(await untilEnded(person, sessionId)).toMatchObject({ status: 'completed' });
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  it('serves two conversations in turn, and tells neither of the other', async () => {
    const first = await ask('The first word is portcullis.');
    const pid = await onlyPid();
    const second = await ask('The second word is barbican.');
    expect(second.conversationId).not.toBe(first.conversationId);
    for (const [conversation, own, other] of [
      [first, 'portcullis', 'barbican'],
      [second, 'barbican', 'portcullis'],
      [first, 'portcullis', 'barbican'],
    ] as const) {
      const run = await ask('[[recall]]', { conversationId: conversation.conversationId });
      expect(run.conversationId).toBe(conversation.conversationId);
      expect(run.text).toContain(own);
      expect(run.text).not.toContain(other);
    }
    expect(await onlyPid()).toBe(pid);
  });

  it('is started again after a kill, and the conversation goes on', async () => {
    const { conversationId } = await ask('The word is bailey.');
    const pid = await onlyPid();
    process.kill(pid, 'SIGKILL');
    await untilReplaced(pid);
    expect((await ask('[[recall]]', { conversationId })).text).toContain('bailey');
    expect(await onlyPid()).not.toBe(pid);
  });

  it('is started again for another tool policy, which then holds', async () => {
    await ask('[[write allowed.txt: yes]]');
    const pid = await onlyPid();
    const run = await ask('[[write refused.txt: no]]', { tools: 'read-only' });
    expect(run.text).toContain('I could not write refused.txt');
    await untilReplaced(pid);
  });

  it('ends after it has rotated its login, and the next one presents the new token', async () => {
    await ask('Hello.');
    const pid = await onlyPid();
    await server.internet.setFaults({ openai: { accessExpiredBefore: Date.now() } });
    await ask('Hello after a refresh.');
    await untilReplaced(pid);
    await ask('Hello once more.');
    const families = (await server.openai()).families;
    expect(families.at(-1)?.refreshes).toBeGreaterThan(0);
    expect(families.every(({ revokedBecause }) => revokedBecause === null)).toBe(true);
  });

  it('ends with a prompt that is canceled', async () => {
    await ask('Hello.');
    const pid = await onlyPid();
    await cancel('[[slow 3000]]');
    await untilReplaced(pid);
    await ask('Hello again.');
  });
});
