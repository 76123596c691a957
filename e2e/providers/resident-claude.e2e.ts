import { rankMethods } from '@sallyport/core/engine';
import { manifest } from '@sallyport/provider-claude';
import { vendorStateSchema } from '@sallyport/testkit/vendors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { signInAnywhere } from '../support/sign-in-anywhere.ts';
import { createWaitingCli } from '../support/waiting-cli.ts';

/** The process of the real Claude Code stays in its machine for the next prompt of its conversation. */
describe('Claude Code between prompts', () => {
  let server: DemoServer;
  let api: Api;
  const { ask, cancel, onlyPid, untilReplaced } = createWaitingCli({
    provider: 'claude_code',
    command: /^\S*\/claude -p /,
    person: () => ({ api, server }),
  });

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

  it('serves one conversation, and no other with the same process', async () => {
    const first = await ask('The first word is portcullis.');
    const pid = await onlyPid();
    const { conversationId } = first;
    const again = await ask('[[recall]]', { conversationId });
    expect(again.conversationId).toBe(conversationId);
    expect(again.text).toContain('portcullis');
    expect(await onlyPid()).toBe(pid);

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
    const before = await onlyPid();
    const { status } = await api.post('/api/vm/cli/prepare', { provider: 'claude_code' });
    expect(status).toBe(202);
    await untilReplaced(before);
    const pid = await onlyPid();
    const run = await ask('The word is barbican.');
    expect(run.text).toContain('barbican');
    expect(await onlyPid()).toBe(pid);
  });

  it('is started again after a kill, and the conversation goes on', async () => {
    const { conversationId } = await ask('The word is bailey.');
    const pid = await onlyPid();
    process.kill(pid, 'SIGKILL');
    await untilReplaced(pid);
    expect((await ask('[[recall]]', { conversationId })).text).toContain('bailey');
  });

  it('is started again for another tool policy, which then holds', async () => {
    const { conversationId } = await ask('[[write allowed.txt: yes]]', { tools: 'full' });
    const pid = await onlyPid();
    const run = await ask('[[write refused.txt: no]]', { tools: 'read-only', conversationId });
    expect(run.text).toContain('I could not write refused.txt');
    await untilReplaced(pid);
  });

  it('ends after it has rotated its login, and the next one presents the new token', async () => {
    const { conversationId } = await ask('Hello.');
    const pid = await onlyPid();
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
    const pid = await onlyPid();
    const run = await ask('[[background sleep 3]]', { tools: 'full', conversationId });
    // It answers a second time, when the command has ended.
    expect(run.text.match(/The command says/g)).toHaveLength(2);
    await untilReplaced(pid);
  });

  it('ends with a prompt that is canceled', async () => {
    const { conversationId } = await ask('Hello.');
    const pid = await onlyPid();
    await cancel('[[slow 3000]]', { conversationId });
    await untilReplaced(pid);
    await ask('Hello again.', { conversationId });
  });
});
