import { afterAll, beforeAll, expect, it } from 'vitest';

import { visitSignInPages } from '@sallyport/testkit/vendors';
import { z } from 'zod';

import { createApi } from '../support/api.ts';
import type { Api } from '../support/api.ts';
import { startLogin, untilEnded, untilPhase } from '../support/person.ts';
import { makeDataDirectory, poll, removeDataDirectory, startDemoServer } from '../support/server.ts';
import type { DemoServer } from '../support/server.ts';

/** The demo as it is started: each provider's real CLI logs in at its fake vendor, and answers. */

let dataDirectory: string;
let server: DemoServer;
let api: Api;

beforeAll(async () => {
  dataDirectory = await makeDataDirectory();
  server = await startDemoServer({ dataDirectory, config: 'sallyport.demo.config.ts' });
  api = createApi(server.origin);
});

afterAll(async () => {
  await server?.stop();
  await removeDataDirectory(dataDirectory);
});

for (const [provider, vendor, promptId] of [
  ['claude_code', 'anthropic', 'code'],
  ['gemini_cli', 'google', 'authorization_code'],
] as const) {
  it(`connects ${provider} with a code that is pasted, and runs a prompt`, async () => {
    const person = { api, server };
    const sessionId = await startLogin(person, 'paste-code', provider);
    const { authUrl } = await untilPhase(person, sessionId, 'awaiting-user');
    const readCode = async (login: string): Promise<string | undefined> => {
      const { logins } = stateSchema.parse((await server.internet.state())[vendor]);
      return logins.find(({ id }) => id === login)?.code;
    };
    const { code } = await visitSignInPages({ url: authUrl ?? '', readCode });
    await poll('the CLI to take the code', async () => {
      const answered = await api.post(`/api/auth/session/${sessionId}/answer`, { promptId, value: code });
      return answered.status < 300 ? true : undefined;
    });
    expect(await untilEnded(person, sessionId)).toMatchObject({ status: 'completed', errorCode: null });
    const { text, end } = await api.prompt({ provider, prompt: 'how are you?' });
    expect(end).toMatchObject({ outcome: 'completed' });
    expect(text).toContain('how are you?');
  });
}

const stateSchema = z.object({ logins: z.array(z.object({ id: z.string(), code: z.string() })) });
