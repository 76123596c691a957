import { rankMethods } from '@sallyport/core';
import { manifest } from '@sallyport/provider-claude';
import { vendorStateSchema } from '@sallyport/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi, readEvents } from '../support/api.ts';
import type { Api, PromptRun } from '../support/api.ts';
import { processesOf } from '../support/processes.ts';
import { poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { signInAnywhere } from '../support/sign-in-anywhere.ts';

/** The process of the real Claude Code stays in its machine for the next prompt of its conversation. */
describe('Claude Code between prompts', () => {
  let server: DemoServer;
  let api: Api;

  beforeAll(async () => {
    server = await startDemoServer({ config: 'e2e/configs/fake-vendors.config.ts' });
    api = createApi(server.origin);
    const features = { desktop: true, loopback: 'forwarded', hibernate: false, isolation: '' } as const;
    const { logins: methods, credentials } = manifest;
    const { choices } = rankMethods({ methods, credentials, prefer: 'desktop', features });
    const way = choices.find(({ method }) => method.id === 'paste-code');
    if (!way) throw new Error('Claude Code offers no code to paste.');
    const ended = await signInAnywhere({ api, server }, { provider: manifest.id, way, answers: {} });
    expect(ended).toMatchObject({ status: 'completed' });
  });

  afterAll(async () => {
    await server?.stop();
    if (server) await removeDataDirectory(server.dataDirectory);
  });

  async function ask(prompt: string, more: Readonly<Record<string, unknown>> = {}): Promise<PromptRun> {
    const run = await api.prompt({ provider: 'claude_code', prompt, ...more });
    expect(run.end).toMatchObject({ outcome: 'completed' });
    return run;
  }

  /** The CLI itself, without the sandbox around it. */
  async function claudePids(): Promise<readonly number[]> {
    const found = await processesOf(server.dataDirectory);
    return found.filter(({ command }) => /^\S*\/claude -p /.test(command)).map(({ pid }) => pid);
  }

  async function onlyClaude(): Promise<number> {
    return poll('one process of Claude Code to wait', async () => {
      const pids = await claudePids();
      return pids.length === 1 ? pids[0] : undefined;
    });
  }

  const untilReplaced = (pid: number): Promise<boolean> =>
    poll('the process to end', async () => ((await claudePids()).includes(pid) ? undefined : true));

  it('serves one conversation, and no other with the same process', async () => {
    const first = await ask('The first word is portcullis.');
    const pid = await onlyClaude();
    const { conversationId } = first;
    const again = await ask('[[recall]]', { conversationId });
    expect(again.conversationId).toBe(conversationId);
    expect(again.text).toContain('portcullis');
    expect(await onlyClaude()).toBe(pid);

    const second = await ask('The second word is barbican.');
    expect(second.conversationId).not.toBe(conversationId);
    await untilReplaced(pid);
    for (const [conversation, own, other] of [
      [second, 'barbican', 'portcullis'],
      [first, 'portcullis', 'barbican'],
      [first, 'portcullis', 'barbican'],
    ] as const) {
      const run = await ask('[[recall]]', { conversationId: conversation.conversationId });
      expect(run.text).toContain(own);
      expect(run.text).not.toContain(other);
    }
  });

  it('is started ahead of a prompt, which then finds it', async () => {
    await ask('Something else.');
    const before = await onlyClaude();
    const { status } = await api.post('/api/vm/cli/prepare', { provider: 'claude_code' });
    expect(status).toBe(202);
    await untilReplaced(before);
    const pid = await onlyClaude();
    const run = await ask('The word is barbican.');
    expect(run.text).toContain('barbican');
    expect(await onlyClaude()).toBe(pid);
  });

  it('is started again after a kill, and the conversation goes on', async () => {
    const { conversationId } = await ask('The word is bailey.');
    const pid = await onlyClaude();
    process.kill(pid, 'SIGKILL');
    await untilReplaced(pid);
    expect((await ask('[[recall]]', { conversationId })).text).toContain('bailey');
  });

  it('is started again for another tool policy, which then holds', async () => {
    const { conversationId } = await ask('[[write allowed.txt: yes]]', { tools: 'full' });
    const pid = await onlyClaude();
    const run = await ask('[[write refused.txt: no]]', { tools: 'read-only', conversationId });
    expect(run.text).toContain('I could not write refused.txt');
    await untilReplaced(pid);
  });

  it('ends after it has rotated its login, and the next one presents the new token', async () => {
    const { conversationId } = await ask('Hello.');
    const pid = await onlyClaude();
    await server.internet.setFaults({ anthropic: { accessExpiredBefore: Date.now() } });
    await ask('Hello after a refresh.', { conversationId });
    await untilReplaced(pid);
    await ask('Hello once more.', { conversationId });
    const { families } = vendorStateSchema.parse((await server.internet.state())['anthropic']);
    expect(families.at(-1)?.refreshes).toBeGreaterThan(0);
    expect(families.every(({ revokedBecause }) => revokedBecause === null)).toBe(true);
  });

  it('goes on until what it runs in the background has ended, and takes no other prompt meanwhile', async () => {
    const { conversationId } = await ask('Hello.');
    const pid = await onlyClaude();
    const run = await ask('[[background sleep 3]]', { tools: 'full', conversationId });
    // It answers a second time, when the command has ended.
    expect(run.text.match(/The command says/g)).toHaveLength(2);
    await untilReplaced(pid);
  });

  it('ends with a prompt that is canceled', async () => {
    const { conversationId } = await ask('Hello.');
    const pid = await onlyClaude();
    const response = await fetch(`${server.origin}/api/vm/cli/prompt`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'claude_code', prompt: '[[slow 3000]]', conversationId }),
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
    await ask('Hello again.', { conversationId });
  });
});
