import { rankMethods } from '@sallyport/core/engine';
import { manifest } from '@sallyport/provider-claude';
import { describeResident } from '@sallyport/testkit';
import type { ResidentUnderTest } from '@sallyport/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { signInAnywhere } from '../support/sign-in-anywhere.ts';
import { createWaitingCli, residentScript as script } from '../support/waiting-cli.ts';

/** The process of the real Claude Code stays in its machine for the next prompt of its conversation. */
let server: DemoServer;
let cli: ResidentUnderTest;

beforeAll(async () => {
  server = await startDemoServer({ config: 'e2e/configs/fake-vendors.config.ts' });
  const person = { api: createApi(server.origin), server };
  const features = { desktop: true, loopback: 'forwarded', hibernate: false, isolation: '' } as const;
  const { logins: methods, credentials } = manifest;
  const { choices } = rankMethods({ methods, credentials, prefer: 'desktop', features });
  const way = choices.find(({ method }) => method.id === 'paste-code');
  if (!way) throw new Error('Claude Code offers no code to paste.');
  const ended = await signInAnywhere(person, { provider: manifest.id, way, answers: {} });
  expect(ended).toMatchObject({ status: 'completed' });
  cli = createWaitingCli({ provider: 'claude_code', command: /^\S*\/claude -p /, vendor: 'anthropic', person });
});

afterAll(async () => {
  await server?.stop();
  if (server) await removeDataDirectory(server.dataDirectory);
});

describeResident('claude_code', () => cli, { script }, { describe, it, expect });

it('goes on until what it runs in the background has ended, and takes no other prompt meanwhile', async () => {
  const { conversationId } = await cli.ask('Hello.');
  await expect.poll(() => cli.processes()).toHaveLength(1);
  const [pid] = await cli.processes();
  const run = await cli.ask('[[background sleep 3]]', { tools: 'full', conversationId });
  // It answers a second time, when the command has ended.
  expect(run.text.match(/The command says/g)).toHaveLength(2);
  await expect.poll(() => cli.processes()).not.toContain(pid);
});
