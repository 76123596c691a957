import { describeResident } from '@sallyport/testkit';
import type { ResidentUnderTest } from '@sallyport/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createApi } from '../support/api.ts';
import { startLogin, untilEnded, untilPhase, visitSignInPage } from '../support/person.ts';
import { removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';
import { createWaitingCli, residentScript as script } from '../support/waiting-cli.ts';

/** The process of the real Codex stays in its machine between prompts, as long as nothing it was started with has changed. */
let server: DemoServer;
let cli: ResidentUnderTest;

beforeAll(async () => {
  server = await startDemoServer();
  const person = { api: createApi(server.origin), server };
  const sessionId = await startLogin(person, 'browser:local');
  await visitSignInPage(person, await untilPhase(person, sessionId, 'awaiting-user'), 'approve');
  expect(await untilEnded(person, sessionId)).toMatchObject({ status: 'completed' });
  cli = createWaitingCli({ provider: 'codex', command: /^\S*\/codex app-server$/, vendor: 'openai', person });
});

afterAll(async () => {
  await server?.stop();
  if (server) await removeDataDirectory(server.dataDirectory);
});

describeResident('codex', () => cli, { script, severalConversations: true }, { describe, it, expect });
