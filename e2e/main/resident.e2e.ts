import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi, readEvents } from '../support/api.ts';
import type { Api, PromptRun } from '../support/api.ts';
import { startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import { processesOf } from '../support/processes.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** The process of the real Codex stays in its machine between prompts, as long as nothing it was started with has changed. */
describe('Codex between prompts', () => {
  let server: DemoServer;
  let api: Api;

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

  async function ask(prompt: string, more: Readonly<Record<string, unknown>> = {}): Promise<PromptRun> {
    const run = await api.prompt({ provider: 'codex', prompt, ...more });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    return run;
  }

  /** The CLI itself, without the sandbox around it. */
  async function codexPids(): Promise<readonly number[]> {
    const found = await processesOf(server.dataDirectory);
    return found.filter(({ command }) => /^\S*\/codex app-server$/.test(command)).map(({ pid }) => pid);
  }

  async function onlyCodex(): Promise<number> {
    return poll('one process of Codex to wait', async () => {
      const pids = await codexPids();
      return pids.length === 1 ? pids[0] : undefined;
    });
  }

  const untilReplaced = (pid: number): Promise<boolean> =>
    poll('the process to end', async () => ((await codexPids()).includes(pid) ? undefined : true));

  it('serves two conversations in turn, and tells neither of the other', async () => {
    const first = await ask('The first word is portcullis.');
    const pid = await onlyCodex();
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
    expect(await onlyCodex()).toBe(pid);
  });

  it('is started again after a kill, and the conversation goes on', async () => {
    const { conversationId } = await ask('The word is bailey.');
    const pid = await onlyCodex();
    process.kill(pid, 'SIGKILL');
    await untilReplaced(pid);
    expect((await ask('[[recall]]', { conversationId })).text).toContain('bailey');
    expect(await onlyCodex()).not.toBe(pid);
  });

  it('is started again for another tool policy, which then holds', async () => {
    await ask('[[write allowed.txt: yes]]');
    const pid = await onlyCodex();
    const run = await ask('[[write refused.txt: no]]', { tools: 'read-only' });
    expect(run.text).toContain('I could not write refused.txt');
    await untilReplaced(pid);
  });

  it('ends after it has rotated its login, and the next one presents the new token', async () => {
    await ask('Hello.');
    const pid = await onlyCodex();
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
    const pid = await onlyCodex();
    const response = await fetch(`${server.origin}/api/vm/cli/prompt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'codex', prompt: '[[slow 3000]]' }),
    });
    let promptId = '';
    for await (const { data } of readEvents(response)) {
      const event = JSON.parse(data);
      if (event.type === 'prompt-start') ({ promptId } = event);
      if (event.type !== 'text') continue;
      // To leave the stream does not end a prompt.
      await api.remove(`/api/vm/cli/prompt/${promptId}`);
      break;
    }
    await untilReplaced(pid);
    await ask('Hello again.');
  });
});
